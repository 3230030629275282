"""How the output of a notebook's cell says that it is a result: a MIME type of our own."""

RESULT_MIME = "application/x-workbench-result+json"
