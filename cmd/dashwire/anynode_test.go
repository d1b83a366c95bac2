package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/dashwire/dashwire/client"
)

// event is what a stream told, or a result of a POST.
type event struct {
	Type          string
	ID            string
	CorrelationID string
	Payload       struct {
		SessionID string
		Version   uint64
		Status    string
		Code      string
		Author    struct{ ClientID string }
		Joined    []struct{ UserID string }
	}
}

// streamOf opens an event stream at a node, and gives what it tells.
func streamOf(t *testing.T, ctx context.Context, node *process, query string) (next func() event) {
	t.Helper()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, node.url+"/api/realtime/events?"+query, nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { res.Body.Close() })
	lines := bufio.NewScanner(res.Body)
	return func() event {
		t.Helper()
		for lines.Scan() {
			if text, ok := strings.CutPrefix(lines.Text(), "data: "); ok {
				var e event
				if err := json.Unmarshal([]byte(text), &e); err != nil {
					t.Fatalf("%s: %v", text, err)
				}
				return e
			}
		}
		t.Fatalf("the stream of %s ended: %v", node.url, lines.Err())
		return event{}
	}
}

// post sends operations to a node for a stream, and gives the results.
func post(t *testing.T, node *process, user, session string, operations ...string) []event {
	t.Helper()
	body := `{"type":"SYNC","clientId":"tab","operations":[` + strings.Join(operations, ",") + `]}`
	answer := fetch(t, http.MethodPost, node.url+"/api/realtime?userId="+user, body, http.Header{"Dashwire-Session": {session}})
	var got struct{ Results []event }
	if err := json.Unmarshal(answer, &got); err != nil {
		t.Fatalf("%s: %v", answer, err)
	}
	return got.Results
}

// TestH2_APostReachesAnotherNode: behind a balancer that sends each request anywhere, no
// edit of a client without WebSocket is lost or doubled, and it is seen to be there.
func TestH2_APostReachesAnotherNode(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 4*patience)
	defer cancel()
	flags := append(natsCluster(t), "--drain", "100ms")
	nodes := []*process{serve(t, t.TempDir(), flags...), serve(t, t.TempDir(), flags...)}
	made := client.Op{ID: "make", Type: client.WidgetUpdate, WidgetID: "cpu", Create: true}
	bo := followAt(t, ctx, client.Options{URL: nodes[1].url, UserID: "bo"}, "ops")
	if _, err := insist(ctx, bo.Dashboard, made); err != nil {
		t.Fatal(err)
	}
	next := streamOf(t, ctx, nodes[0], "userId=ana&clientId=tab&dashboardId=ops")
	session := next().Payload.SessionID
	if e := next(); e.Type != "SYNC_RESPONSE" || e.Payload.Version != 1 {
		t.Fatalf("the stream began with %+v", e)
	}

	// Each edit goes to both nodes in turn, as if the first answer had been lost.
	const edits = 20
	for n := range edits {
		op := fmt.Sprintf(`{"type":"WIDGET_UPDATE","id":"op-%d","payload":{"dashboardId":"ops","widgetId":"cpu","set":{"/n":%d}}}`, n, n)
		want := uint64(n + 2)
		for turn := range nodes {
			results := post(t, nodes[(n+turn+1)%2], "ana", session, op)
			if len(results) != 1 || results[0].Type != "ACK" || results[0].CorrelationID != fmt.Sprint("op-", n) || results[0].Payload.Version != want {
				t.Fatalf("edit %d, time %d: %+v, want version %d", n, turn+1, results, want)
			}
		}
	}
	for n := range edits {
		if e := next(); e.ID != fmt.Sprint("op-", n) || e.Payload.Version != uint64(n+2) || e.Payload.Author.ClientID != "tab" {
			t.Fatalf("the stream told %+v, want op-%d as version %d", e, n, n+2)
		}
	}

	// Presence by way of a node that does not have the stream.
	show := func(state, dashboard string) string {
		return fmt.Sprintf(`{"type":"PRESENCE","id":"p","payload":{"dashboardId":%q,"state":{"at":%q}}}`, dashboard, state)
	}
	for turn, node := range []int{1, 0, 1} {
		state := fmt.Sprint("w", turn)
		if results := post(t, nodes[node], "ana", session, show(state, "ops")); len(results) != 0 {
			t.Fatalf("presence by way of node %d: %+v", node, results)
		}
		bo.sees(t, "who is there", fmt.Sprintf(`ana={"at":%q}`, state))
	}
	// A4: the stream goes on at the other node, and nothing of it is missed.
	nodes[0].stop()
	next = streamOf(t, ctx, nodes[1], "userId=ana&clientId=tab&dashboardId=ops&since="+`{"ops":null}`)
	session = next().Payload.SessionID
	if e := next(); e.Payload.Version != edits+1 {
		t.Errorf("at the other node it begins with %+v, want version %d", e, edits+1)
	}
	if results := post(t, nodes[1], "ana", session, `{"type":"WIDGET_UPDATE","id":"op-0","payload":{"dashboardId":"ops","widgetId":"cpu","set":{"/n":0}}}`); len(results) != 1 || results[0].Payload.Version != 2 {
		t.Errorf("an edit of before: %+v, want version 2", results)
	}
	nodes[1].stop()
}
