// Package natsjournal keeps dashboard logs in a NATS JetStream cluster, so that
// several servers can serve the same dashboards (A3). What Append confirmed is on
// the disks of a quorum of machines, if the cluster is set up for that; Open looks
// and refuses what could lose acknowledged edits, unless told otherwise.
//
//	j, err := natsjournal.Open(ctx, "nats://n1,nats://n2,nats://n3", natsjournal.Options{
//		Monitors: []string{"http://n1:8222", "http://n2:8222", "http://n3:8222"},
//	})
//	defer j.Close()
//
// A dashboard's log is a subject of one stream, and an append is one message with
// all its records, which the stream's leader takes only if the subject's last
// message is the one that the appender knows. That comparison is what decides
// between nodes; a message carries links to earlier ones of its log, so that any
// position is found in a few steps without an index. Reads are answered by any
// replica that has a barrier message written after the call began.
//
// The connection comes back by itself; while NATS is away, calls give
// ErrUnavailable or ErrUnknown, and none of them waits for ever. A dashboard that
// nobody uses takes no memory here (A6), but some hundred bytes in each NATS
// server, for its subject.
//
// It is not a message bus: presence and live values go elsewhere.
package natsjournal
