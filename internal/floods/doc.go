// Command floods measures what honest sessions notice while thousands of hostile sockets
// attack the same server: `make floods` runs it and writes its table into
// docs/benchmarks.md.
//
// For each flood it starts the server anew, in a process of its own with sign-in, the
// limits as they are by default, and loopback addresses held to those too. Honest editors
// and readers, in a second process, work on a few dashboards at a steady pace, first alone
// and then beside the flood, which comes from a third process and from many addresses. A
// flood is bounded: so many sockets, so many actions a second, so many seconds. The second
// process goes before the third, which has the same core: what it measures is the server.
//
// It measures and decides nothing, but for one thing: an honest session that is closed, or
// that misses a version, is a fault, and makes the command fail.
package main
