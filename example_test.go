package dashwire_test

import (
	"context"
	"fmt"
	"net/http/httptest"

	"github.com/dashwire/dashwire"
	"github.com/dashwire/dashwire/client"
	"github.com/dashwire/dashwire/journal/memjournal"
)

// A program serves dashboards, edits one itself, and a client somewhere else follows.
// sqlitejournal instead of memjournal keeps them on disk.
func Example() {
	srv, err := dashwire.New(dashwire.Config{Journal: memjournal.New(memjournal.Options{}), Drain: -1})
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	ended := make(chan error, 1)
	go func() { ended <- srv.Run(ctx) }()
	web := httptest.NewServer(srv) // in a program: http.Server, with srv in its mux

	answer, err := srv.Submit(ctx, dashwire.App("deployer"), []byte(`{"type":"WIDGET_UPDATE","id":"deploy-417",
		"payload":{"dashboardId":"ops","widgetId":"release","create":true,"set":{"/type":"text","/title":"Release 417"}}}`))
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("version", answer.Ack.Version, answer.Ack.Status)

	c, err := client.Dial(ctx, client.Options{URL: web.URL, UserID: "ana"})
	if err != nil {
		fmt.Println(err)
		return
	}
	ops, err := c.Subscribe(ctx, "ops", client.Follow{})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(ops.View().Document.Widgets["release"])

	edit, err := ops.Do(ctx, client.Op{
		Type: client.WidgetUpdate, WidgetID: "release", Set: map[string]any{"/title": "Release 418"},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("version", edit.Ack.Version, edit.Ack.Status)
	fmt.Println(ops.View().Document.Widgets["release"])

	_ = c.Close()
	stop()
	<-ended
	web.Close()
	// Output:
	// version 1 applied
	// {"title":"Release 417","type":"text"}
	// version 2 applied
	// {"title":"Release 418","type":"text"}
}
