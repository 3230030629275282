"""Raw runs read with psana: the same protocol as the native reader, for comparison and fallback."""
