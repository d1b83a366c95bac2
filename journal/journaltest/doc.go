// Package journaltest is the suite that every journal driver passes. A driver's
// test is three lines:
//
//	func TestConformance(t *testing.T) {
//		journaltest.Run(t, func(t *testing.T) journal.Journal { return memjournal.New(memjournal.Options{}) })
//	}
//
// RunDurable adds what must survive closing and opening again. Faults (full disk,
// lost answers, power cuts) are the driver's own tests: they need its hooks.
package journaltest
