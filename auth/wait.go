package auth

import "context"

// Waiting tells the server that the caller is about to wait for another program, and done
// that it goes on: others are worked on in its place meanwhile. An Authenticator or a
// [Watcher] that asks elsewhere calls it in the goroutine and with the ctx that it was
// called with itself, while it holds no lock, and not where it can answer from memory.
// Without it nothing is wrong but that few wait at a time. done is to be called before
// anything is answered, and may have to wait.
func Waiting(ctx context.Context) (done func()) {
	if wait, ok := ctx.Value(waitingKey{}).(func() func()); ok {
		return wait()
	}
	return func() {}
}

// OnWaiting has [Waiting] call wait, and done what wait returns.
func OnWaiting(ctx context.Context, wait func() (done func())) context.Context {
	return context.WithValue(ctx, waitingKey{}, wait)
}

// waitingKey finds who is told of a wait in a context.
type waitingKey struct{}
