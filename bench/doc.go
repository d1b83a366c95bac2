// Command bench compares Dashwire with its peers on one machine. It is a module of its
// own, which nothing of Dashwire is linked with.
//
//	bench run  …   all rounds: starts each server on one core, loads it from another,
//	               one after another, and writes the tables and charts
//	bench load …   one scenario against one server that runs already
//
// The peers are small servers in folders beside this one, each in the design that its
// own documentation shows first. One generator speaks to all of them: a single
// goroutine over epoll, which reads every message that comes, checks that each reader
// hears each version once and in order, and writes edits. What a dialect must tell it
// of a message stands in dialect.go. Linux only.
package main
