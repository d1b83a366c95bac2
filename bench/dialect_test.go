package main

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestDialectsTellMessagesApart: what each server says, as the generator counts it.
func TestDialectsTellMessagesApart(t *testing.T) {
	for _, c := range []struct {
		name, dialect, message string
		want                   []event
	}{
		{"ws: an entry", "plain", `{"type":"entry","dashboardId":"d","version":7,"id":"3","set":{"/sent":99}}`, []event{{kind: deliveryKind, version: 7, sent: 99}}},
		{"raw: an answer", "plain", `{"type":"ack","id":"31","version":7}`, []event{{kind: ackKind, serial: 31}}},
		{"ws: subscribed", "plain", `{"type":"subscribed","dashboardId":"d","version":4}`, []event{{kind: syncedKind, version: 4}}},
		{"Socket.IO: welcome", "socketio", `40{"sid":"x"}`, []event{{kind: welcomeKind}}},
		{"Socket.IO: heartbeat", "socketio", `2`, []event{{kind: heartbeat}}},
		{"Socket.IO: an entry", "socketio", `42["entry",{"version":7,"set":{"/sent":99}}]`, []event{{kind: deliveryKind, version: 7, sent: 99}}},
		{"Socket.IO: subscribed", "socketio", `430[{"type":"subscribed","version":4}]`, []event{{kind: syncedKind, version: 4}}},
		{"Socket.IO: an answer", "socketio", `4331[{"type":"ack","id":"31","version":7}]`, []event{{kind: ackKind, serial: 31}}},
		{
			"Centrifuge: several in a frame", "centrifuge",
			`{"push":{"channel":"d","pub":{"data":{"set":{"/sent":99}},"offset":7}}}` + "\n" + `{"id":41,"publish":{}}` + "\n{}",
			[]event{{kind: deliveryKind, version: 7, sent: 99}, {kind: ackKind, serial: 31}, {kind: heartbeat}},
		},
		{"Centrifuge: subscribed", "centrifuge", `{"id":2,"subscribe":{"recoverable":true,"epoch":"x","positioned":true,"offset":4}}`, []event{{kind: syncedKind, version: 4}}},
		{"Centrifuge: refused", "centrifuge", `{"id":41,"error":{"code":103,"message":"permission denied"}}`, []event{{kind: refusedKind}}},
		{"Dashwire: an entry", "dashwire", `{"type":"WIDGET_UPDATE","id":"x","payload":{"dashboardId":"d","epoch":"e","version":7,"change":{"set":{"/sent":99}}}}`, []event{{kind: deliveryKind, version: 7, sent: 99}}},
		{"Dashwire: entries together", "dashwire", `{"type":"SYNC_ENTRIES","timestamp":"t","payload":{"dashboardId":"d","epoch":"e","entries":[{"version":7,"type":"WIDGET_UPDATE","id":"x","change":{"set":{"/sent":99}}},{"version":8,"id":"y","change":{"set":{"/sent":100}}},{"version":9,"id":"zzzzzzz","change":{}}]}}`, []event{{kind: deliveryKind, version: 7, sent: 99}, {kind: deliveryKind, version: 8, sent: 100}, {kind: deliveryKind, version: 9}}},
		{"Dashwire: a range is no delivery", "dashwire", `{"type":"SYNC_UPDATE","id":"x","payload":{"dashboardId":"d","epoch":"e","from":4,"version":7}}`, []event{{kind: jumpKind, version: 7}}},
		{"Dashwire: an answer", "dashwire", `{"type":"ACK","id":"x","correlationId":"run-2-31","payload":{"dashboardId":"d","version":7}}`, []event{{kind: ackKind, serial: 31}}},
		{"Dashwire: subscribed", "dashwire", `{"type":"SYNC_RESPONSE","id":"x","payload":{"dashboardId":"d","epoch":"e","version":4}}`, []event{{kind: syncedKind, version: 4}}},
		{"Dashwire: refused", "dashwire", `{"type":"NACK","id":"x","payload":{}}`, []event{{kind: refusedKind}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			d, err := dialectOf(c.dialect, "run")
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, d.parse(nil, []byte(c.message), true), cmp.AllowUnexported(event{})); diff != "" {
				t.Errorf("parsed (-want +got):\n%s", diff)
			}
		})
	}
}

// TestVersionsAreFoundWhereverTheyStand: the place of the last one is only where the
// search begins.
func TestVersionsAreFoundWhereverTheyStand(t *testing.T) {
	d := &dashwire{run: "run"}
	for i, m := range []string{
		`{"type":"WIDGET_UPDATE","id":"x","payload":{"dashboardId":"d","version":7}}`,
		`{"type":"WIDGET_UPDATE","id":"x-10","payload":{"dashboardId":"d","version":8}}`,
		`{"type":"WIDGET_UPDATE","id":"x","userId":"ana","payload":{"dashboardId":"d","version":9}}`,
		`{"type":"WIDGET_UPDATE","id":"x","payload":{"version":10,"change":{"widgets":{"w1":{"set":{"/title":"edit 10"}}}}}}`,
		`{"type":"WIDGET_UPDATE","id":"x","payload":{"dashboardId":"d","epoch":"e","version":11}}`,
	} {
		want := []event{{kind: deliveryKind, version: uint64(7 + i)}}
		if diff := cmp.Diff(want, d.parse(nil, []byte(m), false), cmp.AllowUnexported(event{})); diff != "" {
			t.Errorf("%s (-want +got):\n%s", m, diff)
		}
	}
	if got := d.parse(nil, []byte(`{"type":"WIDGET_UPDATE","id":"x","payload":{}}`), false); got[0].version != 0 {
		t.Errorf("an entry without a version has %d", got[0].version)
	}
}

// TestEditsReadAsTheyWereWritten: the stamp that a reader finds is that of the edit.
func TestEditsReadAsTheyWereWritten(t *testing.T) {
	e := edit{serial: 31, client: 2, stamp: 123456, dashboard: "d", widget: 3, fill: "xx"}
	for _, name := range []string{"plain", "socketio", "centrifuge", "dashwire"} {
		d, err := dialectOf(name, "run")
		if err != nil {
			t.Fatal(err)
		}
		if got := stampOf(d.appendEdit(nil, &e)); got != e.stamp {
			t.Errorf("%s: the stamp reads %d, was %d", name, got, e.stamp)
		}
	}
}
