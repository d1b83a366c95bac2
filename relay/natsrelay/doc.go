// Package natsrelay carries messages between nodes over the NATS cluster that also holds
// their journal. It uses plain subjects: nothing is stored, and no stream is needed.
//
//	r, err := natsrelay.Open("nats://n1,nats://n2,nats://n3", natsrelay.Options{Prefix: "dashwire-relay.G7"})
//	defer r.Close()
//
// A topic is the subject PREFIX.KIND.ID.NODE, or PREFIX.KIND.NODE without an id: who has
// sent a message stands in its subject. Nodes with another prefix are another cluster.
// The connection comes back by itself; while it is away, and where a node does not keep
// up, messages are lost, and that is told to whoever has subscribed.
package natsrelay
