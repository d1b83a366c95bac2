// Package chaos proves a whole cluster under faults: three NATS servers and three
// Dashwire servers as processes of their own, each in a network namespace where the
// system allows it, while clients edit without pause. Servers are killed and
// stopped, links delayed, cut and partitioned, packets lost, appends and answers on
// their way lost for good, nodes' clocks set wrong, all from one seed. Then
// everything is healed, and what clients were told is compared with what is stored:
//
//   - every client and every server shows the same document, which is the fold of the log;
//   - every client was sent each version once and in order, over all its sessions;
//   - every acknowledged op is in the log once, at the version that its client was told;
//   - what was acknowledged fits one order that time allows (porcupine).
//
// `make test` runs a short round, `make chaos MINUTES=10 SEED=7` a longer one.
// The nodes are the shipped program but for package time, whose wall clock the tests
// can move (testdata/moved.go, put in by go build -overlay).
//
// It has no code of its own apart from its tests.
package chaos
