// Package client is the Go client of a Dashwire server: it keeps a connection, follows
// dashboards, edits them, and streams live values.
//
//	c, err := client.Dial(ctx, client.Options{URL: "http://localhost:3000", Token: token})
//	defer c.Close()
//
//	ops, err := c.Subscribe(ctx, "ops", client.Follow{})
//	fmt.Println(ops.View().Document.Widgets["cpu"])
//
//	answer, err := ops.Do(ctx, client.Op{
//		Type: client.WidgetUpdate, WidgetID: "cpu", Set: map[string]any{"/title": "CPU load"},
//	})
//	err = c.SendData(ctx, "ops", client.Value{WidgetID: "cpu", Data: client.JSON(12.5)})
//
// The connection comes back by itself: dashboards go on from the version they have,
// and an op that got no answer is sent again with the same id until it has one, so
// that it takes effect once. Waiting ends with its context; Close leaves nothing
// behind. It keeps nothing on disk: an op whose caller gives up is forgotten.
package client
