// Command cluster measures several Dashwire servers on NATS JetStream: `make bench-cluster`
// runs it and writes its tables into docs/benchmarks.md.
//
// For each arrangement (one or three NATS servers that keep each edit once or three times,
// one to three Dashwire servers) it starts everything anew, each server in a process of its
// own on the loopback interface, and runs the load generator of `dashwire bench` in this
// one. NATS syncs each write, apart from the arrangement in which only memory is measured.
//
// It measures and decides nothing, but for one thing: a reader that misses a version, or an
// edit that is refused for good, is a fault, and makes the command fail.
package main
