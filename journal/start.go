package journal

// Starter is a Journal whose appends need no goroutine that waits for them. A journal need not
// be one.
type Starter interface {
	// Start is Append without the waiting: what Append would have returned is told to done, once,
	// perhaps before Start returns. done must not block, nor call the journal. It cannot be
	// cancelled. Of an append that is not at the head it may be told ErrUnknown, where Append
	// would have had to read the log: Append with the same finds it out. What done is told
	// says whose the slices of a are, as it does of Append.
	Start(a Append, done func(Durability, error))
}
