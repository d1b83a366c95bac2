// Package attack holds no code but tests: each tries one attack on a running server and
// looks at the answer. docs/security.md lists them; internal/archtest holds the two to
// each other. TestAttack_44_… is row 44 of that table.
//
// The server under attack is a whole one behind a real listener, over a real data file
// and with sign-in by tokens (target), or the command itself in a process of its own
// where its flags, its listener or its end matter (process).
package attack
