// Package httpapi is everything that Dashwire answers over HTTP: the realtime
// endpoint without WebSocket (H1), the reading half of a session as Server-Sent
// Events (H2), dashboards over REST (H3), and what operators ask for (H4).
//
//	api := httpapi.New(httpapi.Config{Hub: hub, Sessions: sessions, …})
//	mux.Handle("/", api)               // all paths
//	operators.Handle("/", api.Admin()) // a listener of their own (H4)
//
// A request passes, in this order: the path as it must be written, the host where
// sign-in is off (C1), the route, the origin (H6), credentials (C2), the rate (C8).
// What is left is a [board.Op] built by the wire package from an envelope, so that an
// op has one content and one hash whichever way it came (M8).
//
// It holds no state beside rate limits and the streams that are open, opens no
// sockets, and knows no WebSocket: an upgrade is handed to [Config.Upgrade].
package httpapi
