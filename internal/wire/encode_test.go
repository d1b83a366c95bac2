package wire

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dashwire/dashwire/board"
	"github.com/dashwire/dashwire/internal/jsontext"
)

var now = time.Date(2026, 11, 22, 18, 0, 0, 125_000_000, time.UTC)

var (
	ana = board.Author{UserID: "ana", ClientID: "tab-1"}
	bo  = board.Author{UserID: "bo", ClientID: "tab-9"}

	change = &board.Change{
		Settings: &board.Patch{Set: []board.Assignment{{Path: "/title", Value: `"Ops"`}}, Unset: []board.Pointer{"/tags"}},
		Widgets: []board.WidgetChange{
			{ID: "cpu", Patch: &board.Patch{Set: []board.Assignment{{Path: "/config/unit", Value: `"%"`}}}},
			{ID: "disk", Value: `{"type":"gauge"}`},
			{ID: "old", Deleted: true},
		},
		Layouts: map[string]*board.LayoutChange{
			"main":  {Columns: 24, Compact: board.CompactVertical, Items: map[string]*board.Rect{"disk": {Y: 8, W: 6, H: 4}, "old": nil}},
			"phone": nil,
		},
	}
	conflict = &board.Conflict{
		ID: "op-1", DashboardID: "ops", WidgetID: "cpu", Kind: board.KindField, Version: 48,
		Fields: []board.ConflictField{{Path: "/title", Base: `"CPU"`, Mine: `"CPU load"`, Theirs: `"Load"`, TheirsBy: bo, TheirsVersion: 47}},
	}
	results = []board.Result{
		{Status: "applied"},
		{Status: "refused", Code: board.CodeExists, Message: "the id is in use", Path: "payload.operations.1"},
		{Status: "conflict", Conflict: conflict},
	}
	overwrote = []board.Overwrote{
		{WidgetID: "cpu", Path: "/title", Author: bo, Version: 47, Value: `"Load"`},
		{Path: "/tags", Author: bo, Version: 46, Omitted: true},
	}
	response = SyncResponse{
		DashboardID: "ops", Epoch: "k3J9", Version: 42, Horizon: 0, Role: "editor",
		Presence: []PresenceState{{SessionID: "S4", ClientID: "tab-9", UserID: "bo", State: `{"name":"Bo"}`}},
		Data:     []DataValue{{WidgetID: "cpu", Data: `[[1763834400,12.5]]`, Append: true, Window: 300}},
	}
)

func document() *board.State {
	s, err := board.NewState("ops").Fold(&board.Entry{
		Type: board.TypeBatch, ID: "op-0", DashboardID: "ops", Epoch: "k3J9", Version: 1, Time: now, Author: ana,
		Change: &board.Change{
			Settings: &board.Patch{Set: []board.Assignment{{Path: "/title", Value: `"Ops"`}}},
			Widgets: []board.WidgetChange{
				{ID: "cpu", Value: `{"title":"CPU","type":"timeseries"}`}, {ID: "mem", Value: `{"limit":1.10}`}, {ID: "net", Value: `{}`},
			},
			Layouts: map[string]*board.LayoutChange{
				"main":  {Items: map[string]*board.Rect{"cpu": {W: 12, H: 8}, "mem": {X: 12, W: 12, H: 8}, "net": {Y: 8, W: 6, H: 4}}},
				"phone": {Columns: 4, Compact: board.CompactNone},
			},
		},
	})
	if err != nil {
		panic(err)
	}
	return s
}

func entry(version uint64) *board.Entry {
	return &board.Entry{
		Type: board.TypeUpdate, ID: "op-7", DashboardID: "ops", Epoch: "k3J9", Version: version, Time: now,
		Author: bo, Change: change, Overwrote: overwrote, Blind: true,
	}
}

func envelopes(versions ...uint64) [][]byte {
	var list [][]byte
	for _, v := range versions {
		list = append(list, board.EncodeRecord(entry(v)).Envelope)
	}
	return list
}

// sent is one message of the server: how it is made, and what a client decodes.
type sent struct {
	name string
	text []byte
	want ServerMessage
}

func serverMessages() []sent {
	welcome := Welcome{
		SessionID: "S7", UserID: "ana", ServerTime: now, HeartbeatEvery: 25 * time.Second, HeartbeatTimeout: 10 * time.Second,
		ReconnectMin: 500 * time.Millisecond, ReconnectMax: 20 * time.Second, Limits: Limits{}.WithDefaults(),
	}
	named := welcome
	named.ClientID, named.AuthRequired = "tab-1", true
	goodbye := Goodbye{Code: 1012, Reason: "the server is restarting", Reconnect: true, AfterMin: 500 * time.Millisecond, AfterMax: 5 * time.Second}
	replaced := Goodbye{Code: 4409, Reason: `taken over by "another" tab`}
	applied := Ack{DashboardID: "ops", Epoch: "k3J9", InStream: true, Durability: "disk", Of: &board.Ack{Version: 43, Status: board.StatusApplied}}
	merged := Ack{DashboardID: "ops", Epoch: "k3J9", Durability: "quorum", Of: &board.Ack{
		Version: 43, Status: board.StatusMerged, Change: change, Overwrote: overwrote,
		Report: &board.Report{Skipped: []string{"/title"}, Ignored: []string{"gone"}, Results: results},
	}}
	short := &board.Error{Code: board.CodeUnavailable, Message: "the journal is away; try again"}
	long := &board.Error{Code: board.CodeConflict, Message: "the head is another", Path: "payload.set/title", Current: `{"a":null}`, Results: results}
	values := []DataValue{{WidgetID: "cpu", Data: `12.50`}, {WidgetID: "mem", Data: `[1,2]`, Append: true, Window: 10}}
	presence := PresenceUpdate{
		DashboardID: "ops", Joined: response.Presence, Left: []string{"S1"}, Count: 3,
		Changed: []PresenceState{{SessionID: "S5", ClientID: "c", UserID: "anonymous", State: `null`}},
	}
	crowd := PresenceUpdate{DashboardID: "ops", Count: 412}
	one := entry(42)
	three := []*board.Entry{entry(42), entry(43), entry(44)}
	three[1].ID, three[1].Overwrote, three[1].Blind = "op-8", nil, false
	three[2].ID, three[2].Type, three[2].Author, three[2].Time = "op-9", board.TypeBatch, board.Author{ClientID: "tab-9"}, now.Add(time.Second)
	doc := document()

	snapshot := response
	snapshot.Mode, snapshot.Rewound, snapshot.Stale = ModeSnapshot, true, true
	delta := response
	delta.Mode, delta.Presence, delta.Data, delta.Count = ModeDelta, nil, nil, 412

	return []sent{
		{"CONNECT first", AppendWelcome(nil, welcome, ""), ServerMessage{Type: "CONNECT", Welcome: &welcome}},
		{"CONNECT answer", AppendWelcome(nil, named, "c1"), ServerMessage{Type: "CONNECT", CorrelationID: "c1", Welcome: &named}},
		{"DISCONNECT", AppendGoodbye(nil, goodbye, now), ServerMessage{Type: "DISCONNECT", Goodbye: &goodbye}},
		{"DISCONNECT for good", AppendGoodbye(nil, replaced, now), ServerMessage{Type: "DISCONNECT", Goodbye: &replaced}},
		{"PING", AppendPing(nil, "p1", now), ServerMessage{Type: "PING", ID: "p1"}},
		{"PONG", AppendPong(nil, "c8", now), ServerMessage{Type: "PONG", CorrelationID: "c8", Pong: now}},
		{"ACK", AppendAck(nil, "op-1", applied, now), ServerMessage{Type: "ACK", CorrelationID: "op-1", Ack: &applied}},
		{"ACK with everything", AppendAck(nil, "op-1", merged, now), ServerMessage{Type: "ACK", CorrelationID: "op-1", Ack: &merged}},
		{
			"NACK", AppendNack(nil, "op-1", short, 1500*time.Millisecond, now),
			ServerMessage{Type: "NACK", CorrelationID: "op-1", Nack: &Nack{Err: short, Retryable: true, RetryAfter: 1500 * time.Millisecond}},
		},
		{"NACK with everything", AppendNack(nil, "", long, 0, now), ServerMessage{Type: "NACK", Nack: &Nack{Err: long}}},
		{"CONFLICT_DETECTED", AppendConflict(nil, "op-1", conflict, now), ServerMessage{Type: "CONFLICT_DETECTED", CorrelationID: "op-1", Conflict: conflict}},
		{"WIDGET_DATA", AppendData(nil, "ops", values, now), ServerMessage{Type: "WIDGET_DATA", Data: &Data{DashboardID: "ops", Values: values}}},
		{"PRESENCE", AppendPresence(nil, presence, now), ServerMessage{Type: "PRESENCE", Presence: &presence}},
		{"PRESENCE of a crowd", AppendPresence(nil, crowd, now), ServerMessage{Type: "PRESENCE", Presence: &crowd}},
		{"APP_MESSAGE", AppendApp(nil, "deploy\n", `{"v":1}`, now), ServerMessage{Type: "APP_MESSAGE", App: &App{Name: "deploy\n", Data: `{"v":1}`}}},
		{"an entry", envelopes(42)[0], ServerMessage{Type: "WIDGET_UPDATE", ID: "op-7", Entry: one}},
		{
			"SYNC_ENTRIES", together(three),
			ServerMessage{Type: "SYNC_ENTRIES", Entries: three},
		},
		{
			"SYNC_UPDATE range", AppendSyncUpdate(nil, "ops", "k3J9", 44, 60, change, now),
			ServerMessage{Type: "SYNC_UPDATE", Update: &SyncUpdate{DashboardID: "ops", Epoch: "k3J9", From: 44, To: 60, Change: change}},
		},
		{"SYNC_UPDATE closed", AppendSyncClosed(nil, "ops", ClosedDeleted, now), ServerMessage{Type: "SYNC_UPDATE", Update: &SyncUpdate{DashboardID: "ops", Closed: "deleted"}}},
		{"SYNC_UPDATE role", AppendSyncRole(nil, "ops", "viewer", now), ServerMessage{Type: "SYNC_UPDATE", Update: &SyncUpdate{DashboardID: "ops", Role: "viewer"}}},
		{
			"SYNC_RESPONSE none", AppendSyncNone(nil, "c2", "ops", now),
			ServerMessage{Type: "SYNC_RESPONSE", CorrelationID: "c2", Sync: &SyncPart{SyncResponse: SyncResponse{DashboardID: "ops", Mode: ModeNone}, Part: 1, Parts: 1}},
		},
		{
			"SYNC_RESPONSE snapshot", unframed(SyncSnapshotParts("c2", snapshot, NewDocumentSource(doc), 256<<10, now))[0],
			ServerMessage{Type: "SYNC_RESPONSE", CorrelationID: "c2", Sync: &SyncPart{SyncResponse: snapshot, Part: 1, Parts: 1, Document: doc.Document()}},
		},
		{
			"SYNC_RESPONSE delta", unframed(SyncDeltaParts("c2", delta, envelopes(42), 0, now))[0],
			ServerMessage{Type: "SYNC_RESPONSE", CorrelationID: "c2", Sync: &SyncPart{SyncResponse: delta, Part: 1, Parts: 1, Entries: []*board.Entry{one}}},
		},
	}
}

// alike treats nil and empty maps and lists as the same.
var alike = cmp.FilterValues(func(a, b any) bool {
	return empty(a) && empty(b)
}, cmp.Comparer(func(a, b any) bool { return true }))

func empty(v any) bool {
	r := reflect.ValueOf(v)
	switch r.Kind() {
	case reflect.Map, reflect.Slice:
		return r.Len() == 0
	}
	return false
}

func TestE1_ServerMessages(t *testing.T) {
	path := filepath.Join("testdata", "server.json")
	type pinned struct {
		Name    string          `json:"name"`
		Message json.RawMessage `json:"message"`
	}
	var vectors []pinned
	if data, err := os.ReadFile(path); err == nil {
		if err := json.Unmarshal(data, &vectors); err != nil {
			t.Fatal(err)
		}
	}
	made := serverMessages()
	if *update {
		vectors = nil
		for _, m := range made {
			vectors = append(vectors, pinned{m.name, m.text})
		}
		writeVectors(t, path, vectors)
	}
	if len(vectors) != len(made) {
		t.Fatalf("%s has %d messages and not %d: run with -update", path, len(vectors), len(made))
	}
	for i, m := range made {
		t.Run(m.name, func(t *testing.T) {
			if vectors[i].Name != m.name || string(vectors[i].Message) != string(m.text) {
				t.Errorf("got  %s\nwant %s", m.text, vectors[i].Message)
			}
			if !strings.HasPrefix(string(m.text), `{"type":"`+m.want.Type+`"`) {
				t.Errorf("the type does not come first: %s", m.text)
			}
			got, err := DecodeServer(m.text)
			if err != nil {
				t.Fatal(err)
			}
			if !got.Time.Equal(now) {
				t.Errorf("the time is %s", got.Time)
			}
			got.Time = time.Time{}
			if diff := cmp.Diff(m.want, got, alike); diff != "" {
				t.Errorf("decoded (-want +got):\n%s", diff)
			}
			mt, id, corr := Head(m.text)
			if string(mt) != got.Type || string(id) != got.ID || string(corr) != got.CorrelationID {
				t.Errorf("Head gives %q %q %q", mt, id, corr)
			}
		})
	}
}

// All types of the protocol stand in the vectors.
func TestE1_VectorsCoverAllTypes(t *testing.T) {
	seen := map[string]bool{}
	for _, file := range []string{"client.json", "server.json"} {
		data, err := os.ReadFile(filepath.Join("testdata", file))
		if err != nil {
			t.Fatal(err)
		}
		var vectors []struct{ Message struct{ Type string } }
		if err := json.Unmarshal(data, &vectors); err != nil {
			t.Fatal(err)
		}
		for _, v := range vectors {
			seen[v.Message.Type] = true
		}
	}
	types := []string{
		"CONNECT", "DISCONNECT", "PING", "PONG", "SYNC_REQUEST", "SYNC_RESPONSE", "SYNC_UPDATE", "SYNC_ENTRIES", "WIDGET_UPDATE",
		"WIDGET_DELETE", "WIDGET_BATCH", "LAYOUT_UPDATE", "LAYOUT_RESTORE", "DASHBOARD_UPDATE", "CONFLICT_DETECTED", "CONFLICT_RESOLVED", "ACK", "NACK",
		"PRESENCE", "APP_MESSAGE", "WIDGET_DATA",
	}
	if len(types) != 21 || len(seen) != 21 {
		t.Errorf("%d types, %d seen", len(types), len(seen))
	}
	for _, name := range types {
		if !seen[name] {
			t.Errorf("%s has no vector", name)
		}
	}
}

func TestE2_CorrelationOnlyWhereSomethingIsAnswered(t *testing.T) {
	if text := string(AppendNack(nil, "", board.Errorf(board.CodeBadMessage, "no"), 0, now)); strings.Contains(text, "correlationId") {
		t.Errorf("got %s", text)
	}
}

func TestNackNeverTellsTheCause(t *testing.T) {
	err := &board.Error{Code: board.CodeInternal, Message: "ask for 7f", Cause: os.ErrPermission}
	if text := string(AppendNack(nil, "op-1", err, 0, now)); strings.Contains(text, "permission") {
		t.Errorf("got %s", text)
	}
}

func TestAppendQuotedMendsBrokenText(t *testing.T) {
	for in, want := range map[string]string{
		"plain": `"plain"`, `a"b\`: `"a\"b\\"`, "é\u2028": "\"é\u2028\"", "\xff\x01": `"` + "\ufffd" + `\u0001"`, "": `""`,
	} {
		if got := string(appendQuoted([]byte("x"), in))[1:]; got != want {
			t.Errorf("%q came out as %s, want %s", in, got, want)
		}
	}
}

// Wherever in a string a character stands, it is escaped or not as the library does it.
func TestAppendQuotedFindsWhatNeedsEscapes(t *testing.T) {
	for length := 1; length < 20; length++ {
		for at := range length {
			for c := range 256 {
				text := bytes.Repeat([]byte("~ "), length)[:length]
				text[at] = byte(c)
				want, _ := jsontext.AppendQuote(nil, string(text))
				if got := appendQuoted(nil, string(text)); string(got) != string(want) {
					t.Fatalf("%q came out as %s, want %s", text, got, want)
				}
			}
		}
	}
}

func TestE7_EncodersDoNotAllocate(t *testing.T) {
	ack := Ack{DashboardID: "ops", Epoch: "k3J9", InStream: true, Durability: "disk", Of: &board.Ack{Version: 43, Status: board.StatusApplied}}
	nack := board.Errorf(board.CodeNotFound, "there is no dashboard")
	values := []DataValue{{WidgetID: "cpu", Data: `12.5`}}
	buf := make([]byte, 0, 4096)
	for name, f := range map[string]func(){
		"ack":  func() { AppendAck(buf, "op-1", ack, now) },
		"nack": func() { AppendNack(buf, "op-1", nack, 0, now) },
		"data": func() { AppendData(buf, "ops", values, now) },
		"pong": func() { AppendPong(buf, "op-1", now) },
	} {
		if n := testing.AllocsPerRun(100, f); n != 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
}

func FuzzDecodeServer(f *testing.F) {
	for _, m := range serverMessages() {
		f.Add(m.text)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		m, err := DecodeServer(data)
		if err == nil && m.Type == "" {
			t.Fatal("a message without a type")
		}
	})
}

func BenchmarkAppendAck(b *testing.B) {
	ack := Ack{
		DashboardID: "bench-01a2056c-17", Epoch: "01a2056c-3b66-7dbb-9929-f171422750b3", InStream: true, Durability: "disk",
		Of: &board.Ack{Version: 43, Status: board.StatusApplied},
	}
	buf := make([]byte, 0, 4096)
	b.ReportAllocs()
	for b.Loop() {
		buf = AppendAck(buf[:0], "bench-01a2056c-1-123456", ack, now)
	}
}

func BenchmarkDecodeServerEntry(b *testing.B) {
	data := envelopes(42)[0]
	b.ReportAllocs()
	b.SetBytes(int64(len(data)))
	for b.Loop() {
		if _, err := DecodeServer(data); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkHead(b *testing.B) {
	data := envelopes(42)[0]
	b.ReportAllocs()
	for b.Loop() {
		Head(data)
	}
}
