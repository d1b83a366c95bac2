// Command dashwire is the realtime sync server for dashboards, and the tools around
// it. It picks the drivers, wires them to package dashwire, and does nothing else;
// what it does, a program that embeds the package can do too.
//
//	dashwire serve
//	dashwire <command> --help
//
// Settings come from flags, from the environment (DASHWIRE_LISTEN for --listen), and
// from a YAML file whose keys are the flags of serve; the first of these counts. The
// exit code is 0 when all went well, 1 when something failed, and 2 when the command
// could not begin: a wrong flag or setting, a port or data file that cannot be used.
package main
