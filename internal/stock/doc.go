// Stock fills a data file with very many dashboards, and with one of very many entries,
// straight through the journal, and measures a server on it: what it holds in memory, how
// soon it is ready, how long a page of the list and the opening of a dashboard take.
//
//	stock -server ./dashwire -file tmp/stock/stock.db
//
// It is run by make bench-large. A file that is there already is used as it is.
package main
