// Package bench is the load generator behind the command dashwire bench: it opens
// sessions on a running server, edits and reads, and measures what comes back.
//
//	report, err := bench.Run(ctx, bench.Options{Server: "http://localhost:3000", Scenario: bench.Fanout})
//
// It speaks the protocol of docs/PROTOCOL.md over sockets of its own and shares no
// code with the server beyond encoding messages. Readers count entries by scanning
// bytes, so that one machine can load a server that runs beside it. Every scenario is
// bounded in time and number and cleans up what it made.
package bench
