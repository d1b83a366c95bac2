package wire

import (
	"encoding/json"
	"iter"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dashwire/dashwire/board"
	"github.com/dashwire/dashwire/internal/jsontext"
)

// example is one JSON block of docs/PROTOCOL.md.
type example struct {
	text string
	line int
	// envelope is set if the block is a message.
	envelope struct {
		Type          string
		ID            string
		CorrelationID string
		Payload       struct{ Author json.RawMessage }
	}
}

// fromClient tells a client's message: it has an id, and no author as entries have.
func (e *example) fromClient() bool {
	return e.envelope.Type != "" && e.envelope.ID != "" && e.envelope.Payload.Author == nil
}

// examples are the JSON blocks of docs/PROTOCOL.md in their order.
func examples(t *testing.T) []example {
	t.Helper()
	data, err := os.ReadFile("../../docs/PROTOCOL.md")
	if err != nil {
		t.Fatal(err)
	}
	text := string(data)
	var list []example
	for _, at := range regexp.MustCompile("(?s)```json\n(.*?)```").FindAllStringSubmatchIndex(text, -1) {
		e := example{text: text[at[2]:at[3]], line: 1 + strings.Count(text[:at[2]], "\n")}
		if err := json.Unmarshal([]byte(e.text), &e.envelope); err != nil {
			t.Fatalf("line %d: %v", e.line, err)
		}
		list = append(list, e)
	}
	if len(list) < 30 {
		t.Fatalf("only %d examples were found", len(list))
	}
	return list
}

func TestE1_ExamplesOfClientsAreTaken(t *testing.T) {
	for _, e := range examples(t) {
		if !e.fromClient() {
			continue
		}
		m, err := Decode([]byte(e.text), Limits{})
		if err != nil {
			t.Errorf("line %d: %s is refused: %v", e.line, e.envelope.Type, err)
		} else if m.Type != e.envelope.Type || m.ID != e.envelope.ID {
			t.Errorf("line %d: taken as %s %q", e.line, m.Type, m.ID)
		}
	}
}

// TestE1_ExamplesOfTheServerAreWhatItSends: each is decoded and encoded again by the
// server's own functions, which gives the same members with the same values.
func TestE1_ExamplesOfTheServerAreWhatItSends(t *testing.T) {
	var seen []string
	for _, e := range examples(t) {
		if e.envelope.Type == "" || e.envelope.Type == "SYNC" || e.fromClient() || e.envelope.Type == "about:blank" {
			continue
		}
		seen = append(seen, e.envelope.Type)
		compareServer(t, e.line, []byte(e.text))
	}
	for _, want := range []string{
		TypeConnect, TypeDisconnect, TypePong, TypeSyncResponse, TypeSyncUpdate, TypeConflict, TypeAck, TypeNack,
		TypePresence, TypeApp, TypeSyncEntries,
	} {
		if !slices.Contains(seen, want) {
			t.Errorf("there is no example of %s as the server sends it", want)
		}
	}
}

func compareServer(t *testing.T, line int, text []byte) {
	t.Helper()
	m, err := DecodeServer(text)
	if err != nil {
		t.Errorf("line %d: %v", line, err)
		return
	}
	if diff := cmp.Diff(tree(t, text), tree(t, encoded(m))); diff != "" {
		t.Errorf("line %d: %s is not what the server sends (-document +server):\n%s", line, m.Type, diff)
	}
}

// TestE7_ExamplesOfShapes: the document, a change, the body and the answer of SYNC.
func TestE7_ExamplesOfShapes(t *testing.T) {
	found := map[string]bool{}
	for _, e := range examples(t) {
		canonical, err := jsontext.Canonicalize([]byte(e.text))
		if err != nil {
			t.Fatalf("line %d: %v", e.line, err)
		}
		v := board.Value(canonical)
		has := func(path board.Pointer) bool { _, ok := v.Get(path); return ok }
		switch {
		case has("/type") && e.envelope.Type != "SYNC":
		case has("/layouts/main/items") && has("/version"):
			found["document"] = true
			doc, err := board.ParseDocument(v)
			if err != nil {
				t.Fatalf("line %d: %v", e.line, err)
			}
			want := v.Without("/id").Without("/epoch").Without("/version")
			if got := board.AppendDocument(nil, doc); string(got) != string(want) {
				t.Errorf("line %d: got  %s\nwant %s", e.line, got, want)
			}
		case has("/layouts/main/items"):
			found["change"] = true
			c, err := board.ParseChange(v)
			if err != nil {
				t.Fatalf("line %d: %v", e.line, err)
			}
			if diff := cmp.Diff(tree(t, canonical), tree(t, board.AppendChange(nil, c))); diff != "" {
				t.Errorf("line %d: (-document +server):\n%s", e.line, diff)
			}
		case e.envelope.Type == "SYNC":
			found["body"] = true
			ops, _ := v.Get("/operations")
			for op := range ops.Elements() {
				if _, err := Decode([]byte(op), Limits{}); err != nil {
					t.Errorf("line %d: %v", e.line, err)
				}
			}
		case has("/results"):
			found["answer"] = true
			list, _ := v.Get("/results")
			for m := range list.Elements() {
				compareServer(t, e.line, []byte(m))
			}
			updates, _ := v.Get("/updates")
			for _, payload := range updates.Members() {
				compareServer(t, e.line, []byte(`{"type":"SYNC_RESPONSE","timestamp":"2026-11-22T18:00:00.000Z","payload":`+string(payload)+`}`))
			}
		}
	}
	for _, name := range []string{"document", "change", "body", "answer"} {
		if !found[name] {
			t.Errorf("there is no example of the %s", name)
		}
	}
}

func tree(t *testing.T, text []byte) any {
	t.Helper()
	var v any
	if err := json.Unmarshal(text, &v); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return v
}

// encoded is a decoded message of the server as the server encodes it.
func encoded(m ServerMessage) []byte {
	id, at := m.CorrelationID, m.Time
	switch {
	case m.Entry != nil:
		return board.EncodeRecord(m.Entry).Envelope
	case len(m.Entries) > 0:
		return togetherAt(m.Entries, at)
	case m.Ack != nil:
		return AppendAck(nil, id, *m.Ack, at)
	case m.Nack != nil:
		return AppendNack(nil, id, m.Nack.Err, m.Nack.RetryAfter, at)
	case m.Conflict != nil:
		return AppendConflict(nil, id, m.Conflict, at)
	case m.Welcome != nil:
		return AppendWelcome(nil, *m.Welcome, id)
	case m.Goodbye != nil:
		return AppendGoodbye(nil, *m.Goodbye, at)
	case m.Sync != nil:
		return encodedSync(m)
	case m.Update != nil:
		return encodedUpdate(m)
	case m.Presence != nil:
		return AppendPresence(nil, *m.Presence, at)
	case m.Data != nil:
		return AppendData(nil, m.Data.DashboardID, m.Data.Values, at)
	case m.App != nil:
		return AppendApp(nil, m.App.Name, m.App.Data, at)
	case m.Type == TypePing:
		return AppendPing(nil, m.ID, at)
	}
	return AppendPong(nil, id, m.Pong)
}

func encodedSync(m ServerMessage) []byte {
	var envelopes [][]byte
	for _, e := range m.Sync.Entries {
		envelopes = append(envelopes, board.EncodeRecord(e).Envelope)
	}
	switch m.Sync.Mode {
	case ModeDelta:
		return unframed(SyncDeltaParts(m.CorrelationID, m.Sync.SyncResponse, envelopes, 0, m.Time))[0]
	case ModeSnapshot:
		return unframed(SyncSnapshotParts(m.CorrelationID, m.Sync.SyncResponse, NewDocumentSource(asDocument{m.Sync.Document}), 0, m.Time))[0]
	}
	return AppendSyncNone(nil, m.CorrelationID, m.Sync.DashboardID, m.Time)
}

func encodedUpdate(m ServerMessage) []byte {
	u := m.Update
	switch {
	case u.Closed != "":
		return AppendSyncClosed(nil, u.DashboardID, u.Closed, m.Time)
	case u.Role != "":
		return AppendSyncRole(nil, u.DashboardID, u.Role, m.Time)
	}
	return AppendSyncUpdate(nil, u.DashboardID, u.Epoch, u.From, u.To, u.Change, m.Time)
}

// asDocument makes a decoded document one that can be encoded.
type asDocument struct{ *board.Document }

func (d asDocument) Settings() board.Value { return d.Document.Settings }

func (d asDocument) Layouts() iter.Seq2[string, *board.Layout] {
	return func(yield func(string, *board.Layout) bool) {
		for name, l := range d.Document.Layouts {
			if !yield(name, l) {
				return
			}
		}
	}
}

func (d asDocument) Widgets() iter.Seq2[string, board.Value] {
	return func(yield func(string, board.Value) bool) {
		for id, w := range d.Document.Widgets {
			if !yield(id, w) {
				return
			}
		}
	}
}
