// Package pagetest opens the page in a real browser, as people do, against a real
// server. Its tests stand behind the build tag browser, because they need Chromium:
//
//	go test -tags browser ./internal/pagetest/
//
// CHROMIUM names another program than /usr/bin/chromium. The screenshots of a run are
// kept with -screens DIR, and -readme renews the one that the readme shows.
//
// What is here without the tag is a small driver for the browser's debugging protocol
// (a caller starts a [Browser], opens a [Page] each with its own storage, and talks to
// it in JavaScript). It is no general driver: it has what the tests use.
package pagetest
