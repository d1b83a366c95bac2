// Package lane has work take turns that can wait a moment, so that work which should not
// finds a processor free: handshakes, requests and connections that ask for much go through
// a lane with fewer places than there are processors, sessions at work go past it.
//
// It is not a limit: whatever is in line is done, and while nothing else is to be done the
// lane is as fast as its places. It is for work that computes. What waits for something
// else gives its place back meanwhile (Leave); of what does not, the lane takes the place
// away after a while, so that the line moves on.
//
//	turn := l.Enter(address)
//	defer turn.Leave()
package lane
