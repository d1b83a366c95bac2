// Command centrifuge is a peer of the comparison: dashboards as channels of the
// Centrifuge library with history in memory, as its own examples set it up.
//
//	centrifuge ADDRESS [WRITE-DELAY]
//
// An edit is a publication by a client; its version is the offset in the channel.
// WRITE-DELAY is the library's own setting to gather messages for that long.
package main

import (
	"context"
	"fmt"
	"log"
	"net/http"
	"os"
	"time"

	"github.com/centrifugal/centrifuge"
)

// history is what late readers could recover from, as much as Dashwire keeps ready.
var history = centrifuge.PublishOptions{HistorySize: 1024, HistoryTTL: 5 * time.Minute}

func main() {
	if err := run(os.Args[1:]); err != nil {
		log.Fatal(err)
	}
}

func run(args []string) error {
	if len(args) < 1 || len(args) > 2 {
		return fmt.Errorf("usage: centrifuge ADDRESS [WRITE-DELAY]")
	}
	var delay time.Duration
	if len(args) == 2 {
		var err error
		if delay, err = time.ParseDuration(args[1]); err != nil {
			return fmt.Errorf("the write delay: %w", err)
		}
	}
	node, err := centrifuge.New(centrifuge.Config{})
	if err != nil {
		return fmt.Errorf("make the node: %w", err)
	}
	node.OnConnecting(func(context.Context, centrifuge.ConnectEvent) (centrifuge.ConnectReply, error) {
		return centrifuge.ConnectReply{Credentials: &centrifuge.Credentials{}, WriteDelay: delay}, nil
	})
	node.OnConnect(func(client *centrifuge.Client) {
		client.OnSubscribe(func(_ centrifuge.SubscribeEvent, done centrifuge.SubscribeCallback) {
			done(centrifuge.SubscribeReply{Options: centrifuge.SubscribeOptions{EnableRecovery: true}}, nil)
		})
		client.OnPublish(func(_ centrifuge.PublishEvent, done centrifuge.PublishCallback) {
			done(centrifuge.PublishReply{Options: history}, nil)
		})
	})
	if err := node.Run(); err != nil {
		return fmt.Errorf("run the node: %w", err)
	}
	http.Handle("/", centrifuge.NewWebsocketHandler(node, centrifuge.WebsocketConfig{}))
	return http.ListenAndServe(args[0], nil)
}
