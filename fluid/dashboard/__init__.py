"""`fluid dashboard`: a web page that shows a cluster as it works.

Pure, with time and messages as arguments: `happenings` (what changed between two looks),
`traffic` (what was answered in each second), `pictures` (a drawing as the network knows them),
`page` (all of it as the documents that a browser gets) and `guard` (which requests are refused).
Shells: `watcher` (the thread that hears the cluster), `asking` (requests of our own), `app` (the
routes) and `server` (the socket). The page itself is in `static/`, without a build step.
"""
