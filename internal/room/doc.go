// Package room holds open dashboards: it decides operations, appends them to the
// journal, frames each committed entry once, and lets every session chase the head
// of the log with a cursor of its own.
//
// A [Hub] is all of one node. Its caller's loop:
//
//	hub := room.NewHub(cfg)
//	go hub.Run(ctx)                             // sweeps, follows the journal
//	hub.Subscribe(ctx, request, subscriber)     // R1: answer and subscription in one step
//	hub.Submit(ctx, authorizedOp, answer)       // decide → append → answer
//
// A room is plain memory while nothing happens, and while an append is in flight of a journal
// that tells of its end: the hub's sweepers settle it and write to sessions. Else goroutines run
// only for an append. The locks are taken in the order
// Hub.mu, Room.mu, the subscriber's own lock, then those of the tail, the values
// and the presence; never the other way round.
//
// It knows no messages beyond those it frames for everybody, no sockets and no
// sign-in.
package room
