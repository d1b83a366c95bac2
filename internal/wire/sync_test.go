package wire

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dashwire/dashwire/board"
)

// large is a dashboard with n widgets of about size bytes each.
// unframed are the messages in frames of which each holds one.
func unframed(frames [][]byte) [][]byte {
	messages := make([][]byte, len(frames))
	for i, f := range frames {
		message, rest := NextFrame(f)
		if len(rest) > 0 {
			panic("more than one message in a frame")
		}
		messages[i] = message
	}
	return messages
}

func large(t *testing.T, n, size int) *board.State {
	t.Helper()
	change := &board.Change{Layouts: map[string]*board.LayoutChange{"main": {Items: map[string]*board.Rect{}}}}
	for i := range n {
		id := fmt.Sprintf("w%d", i)
		change.Widgets = append(change.Widgets, board.WidgetChange{ID: id, Value: board.Value(`{"text":"` + strings.Repeat("x", size) + `"}`)})
		change.Layouts["main"].Items[id] = &board.Rect{Y: i, W: 1, H: 1}
	}
	slices.SortFunc(change.Widgets, func(a, b board.WidgetChange) int { return strings.Compare(a.ID, b.ID) })
	s, err := board.NewState("ops").Fold(&board.Entry{
		Type: board.TypeBatch, ID: "op-0", DashboardID: "ops", Epoch: "k3J9", Version: 1, Time: now, Author: ana, Change: change,
	})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// joined decodes the parts of an answer and puts them together.
func joined(t *testing.T, parts [][]byte) *SyncPart {
	t.Helper()
	var whole *SyncPart
	for i, text := range parts {
		m, err := DecodeServer(text)
		if err != nil {
			t.Fatalf("part %d: %v", i+1, err)
		}
		if m.CorrelationID != "c2" || m.Sync.Part != i+1 || m.Sync.Parts != len(parts) {
			t.Fatalf("part %d says it is %d of %d, for %q", i+1, m.Sync.Part, m.Sync.Parts, m.CorrelationID)
		}
		if whole == nil {
			whole = m.Sync
		} else {
			whole.Join(m.Sync)
		}
	}
	return whole
}

func TestR8_SnapshotIsCutBetweenWidgets(t *testing.T) {
	doc := large(t, 300, 2000)
	r := response
	for i := range 100 {
		r.Data = append(r.Data, DataValue{WidgetID: fmt.Sprintf("w%d", i), Data: board.Value(`"` + strings.Repeat("v", 1000) + `"`)})
	}
	const partBytes = 64 << 10
	parts := unframed(SyncSnapshotParts("c2", r, NewDocumentSource(doc), partBytes, now))
	if len(parts) < 10 {
		t.Fatalf("700 KB came in %d parts", len(parts))
	}
	for i, p := range parts {
		if len(p) > partBytes {
			t.Errorf("part %d has %d bytes", i+1, len(p))
		}
	}
	whole := joined(t, parts)
	if diff := cmp.Diff(doc.Document(), whole.Document, alike); diff != "" {
		t.Errorf("the document (-want +got):\n%.2000s", diff)
	}
	if len(whole.Data) != len(r.Data) || len(whole.Presence) != 1 || whole.Version != 42 {
		t.Errorf("%d live values, %d present, version %d", len(whole.Data), len(whole.Presence), whole.Version)
	}
}

func TestR8_DeltaIsCutBetweenEntries(t *testing.T) {
	parts := unframed(SyncDeltaParts("c2", response, envelopes(41, 42, 43, 44, 45), 2048, now))
	if len(parts) < 3 {
		t.Fatalf("%d parts", len(parts))
	}
	whole := joined(t, parts)
	for i, e := range whole.Entries {
		if e.Version != uint64(41+i) {
			t.Errorf("entry %d has version %d", i, e.Version)
		}
	}
	if len(whole.Entries) != 5 || whole.Mode != ModeDelta {
		t.Errorf("%d entries, mode %s", len(whole.Entries), whole.Mode)
	}
}

func TestR8_WhatCannotBeCutComesWhole(t *testing.T) {
	parts := unframed(SyncSnapshotParts("c2", response, NewDocumentSource(large(t, 3, 10_000)), 1024, now))
	whole := joined(t, parts)
	if len(whole.Document.Widgets) != 3 {
		t.Errorf("%d widgets", len(whole.Document.Widgets))
	}
}

func TestR8_SharedDocumentIsNotChangedByLiveData(t *testing.T) {
	src := NewDocumentSource(document())
	before := string(unframed(SyncSnapshotParts("c2", response, src, 0, now))[0])
	other := response
	other.Presence = []PresenceState{{SessionID: "S9", State: "1"}}
	SyncSnapshotParts("c3", other, src, 0, now)
	if after := string(unframed(SyncSnapshotParts("c2", response, src, 0, now))[0]); after != before {
		t.Errorf("got  %s\nwant %s", after, before)
	}
}

func TestH1_PayloadIsThatOfTheMessage(t *testing.T) {
	r := response
	for _, c := range []struct {
		mode    string
		message []byte
	}{
		{ModeSnapshot, unframed(SyncSnapshotParts("c2", r, NewDocumentSource(document()), 0, now))[0]},
		{ModeDelta, unframed(SyncDeltaParts("c2", r, envelopes(42), 0, now))[0]},
	} {
		r.Mode = c.mode
		var m struct{ Payload json.RawMessage }
		if err := json.Unmarshal(c.message, &m); err != nil {
			t.Fatal(err)
		}
		got := AppendSyncResponsePayload(nil, r, NewDocumentSource(document()), envelopes(42))
		if string(got) != string(m.Payload) {
			t.Errorf("got  %s\nwant %s", got, m.Payload)
		}
	}
}

func BenchmarkSyncSnapshot(b *testing.B) {
	src := NewDocumentSource(document())
	b.ReportAllocs()
	for b.Loop() {
		SyncSnapshotParts("c2", response, src, 256<<10, now)
	}
}
