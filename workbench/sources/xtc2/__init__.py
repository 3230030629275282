"""LCLS-II raw runs (XTC2), read without psana: mapped files, checked records, stacks of events."""
