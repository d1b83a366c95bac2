// Package archtest holds the house together by tests: who may import whom, which
// libraries may be used where, what no source file may contain, and that every
// rule of docs/PROTOCOL.md has a test that carries its ID.
//
// It has no code of its own. It reads the sources of the module with go/parser,
// so it needs nothing to compile but itself. To add a package, add its line to
// the table in imports_test.go.
package archtest
