// Package relay is what the nodes of one cluster tell each other beside the dashboards'
// logs: presence, live values, messages of the app, which client has connected anew,
// what was taken back. None of it is kept. A message reaches each other node at most
// once, and those of one node arrive in the order in which it has sent them.
//
//	stop, err := r.Subscribe(relay.Topic{Kind: "board", ID: "ops"}, func(m relay.Message) {
//		if m.Missed {
//			askAnew() // messages may have been lost
//			return
//		}
//		take(m.From, m.Payload)
//	})
//	err = r.Publish(relay.Topic{Kind: "board", ID: "ops"}, payload)
//
// A server of its own needs no relay: that driver is nil. It is no log and no request
// with an answer: who must know whether a message has arrived asks for a reply by another.
package relay
