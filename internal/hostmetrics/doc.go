// Package hostmetrics reads what the machine is doing and shapes it as live
// values for the demo dashboard. The caller's loop, once a second:
//
//	sampler := hostmetrics.NewSampler(hostmetrics.Options{Path: dataDir})
//	document := hostmetrics.DemoDocument(sampler.Facts())
//	for now := range ticks {
//		sample, err := sampler.Sample(now)
//		for _, v := range hostmetrics.Values(sample, stats) {
//			… send v as WIDGET_DATA
//		}
//	}
//
// It is no monitoring agent: it keeps no history, raises no alarms, and a source
// that this machine does not have is left out of the sample.
//
// # What pages expect
//
// The shapes below are the convention between a program that feeds values and
// the pages that draw them. A widget is
//
//	{"type": "timeseries", "title": "Network", "config": {
//	    "unit": "bytes/s", "min": 0, "decimals": 1,
//	    "series": [{"key": "rx", "label": "received"}, {"key": "tx", "label": "sent"}],
//	    "thresholds": [{"value": 80, "status": "attention"}, {"value": 95, "status": "danger"}]}}
//
// with these types and members of config, all of them optional:
//
//	type        timeseries, stat, gauge, bargauge, table, text, row
//	unit        percent (0–100), bytes, bytes/s, short, duration (seconds); another is shown as written
//	min, max    the ends of the scale; absent = from the data
//	decimals    digits after the point; absent = up to the page
//	series      names of the columns after the time, in order
//	thresholds  ascending; from value on the status holds: ok, busy, attention, danger.
//	            A first one without value holds below the others; absent = ok
//	text        the content of a text widget; mode: markdown (default), html or text
//	description one or two sentences for people
//
// Values come as WIDGET_DATA. A timeseries appends points, each an array of the
// time in Unix milliseconds and one number, or null, per series:
//
//	mode "append", window 900:  [[1795400000000, 12.5, 3]]
//
// The others replace their value whole. Detail is a short text beside the number:
//
//	stat, gauge:  {"value": 12.5, "detail": "1.2 GiB of 9.6 GiB"}    value may be null: not known
//	bargauge:     {"values": [{"label": "/", "value": 71.2}]}, or as a gauge
//	table:        {"columns": ["Process", "CPU"], "rows": [["dashwire", 1.5]]}
//
// Text and row widgets have no values.
package hostmetrics
