package wire

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/dashwire/dashwire/board"
)

// together is a SYNC_ENTRIES with entries that follow each other.
func together(list []*board.Entry) []byte { return togetherAt(list, now) }

func togetherAt(list []*board.Entry, at time.Time) []byte {
	before := board.EncodeRecord(list[0]).Envelope
	frame, ok := BeginEntries(nil, list[0].DashboardID, list[0].Epoch, before, at)
	for _, e := range list[1:] {
		envelope := board.EncodeRecord(e).Envelope
		frame = AppendFollowing(frame, before, envelope)
		before = envelope
	}
	payload, rest := NextFrame(EndEntries(frame))
	if !ok || payload == nil || len(rest) > 0 {
		panic("no whole frame")
	}
	return payload
}

// anEntry draws an entry of a version; few of its values differ, so that runs share some.
func anEntry(rt *rapid.T, version uint64) *board.Entry {
	pick := func(name string, of ...string) string { return rapid.SampledFrom(of).Draw(rt, name) }
	e := &board.Entry{
		Type: board.Type(pick("type", "WIDGET_UPDATE", "WIDGET_UPDATE", "WIDGET_BATCH", "CONFLICT_RESOLVED")),
		ID:   fmt.Sprint("op-", version), DashboardID: "ops", Epoch: "k3J9", Version: version,
		Time:   now.Add(time.Duration(rapid.IntRange(0, 2).Draw(rt, "time")) * time.Millisecond),
		Author: board.Author{UserID: pick("user", "", "ana", `b"o\`, "\u2028né"), ClientID: pick("client", "", "tab-1", "tab-2")},
		Change: change, Blind: rapid.Bool().Draw(rt, "blind"),
	}
	if rapid.Bool().Draw(rt, "small") {
		value := pick("value", `1`, `"}},{\"change\":"`, `{"a":[1.10,null]}`)
		e.Change = &board.Change{Widgets: []board.WidgetChange{{ID: "cpu", Patch: &board.Patch{Set: []board.Assignment{{Path: `/"a`, Value: board.Value(value)}}}}}}
	}
	if rapid.IntRange(0, 3).Draw(rt, "overwrote") == 0 {
		e.Overwrote = overwrote
	}
	return e
}

// Whatever entries follow each other: decoded together they are, byte for byte, what they
// are decoded singly, and take fewer bytes.
func TestR10_TogetherIsWhatItIsSingly(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		first := rapid.Uint64Range(1, 1<<53-50).Draw(rt, "first")
		var list []*board.Entry
		var singly [][]byte
		size := 0
		for i := range rapid.IntRange(2, 40).Draw(rt, "entries") {
			e := anEntry(rt, first+uint64(i))
			envelope := board.EncodeRecord(e).Envelope
			list, singly = append(list, e), append(singly, envelope)
			size += len(envelope)
		}
		together := together(list)
		m, err := DecodeServer(together)
		if err != nil || len(m.Entries) != len(list) {
			rt.Fatalf("%d entries, %v: %s", len(m.Entries), err, together)
		}
		for i, e := range m.Entries {
			one, err := DecodeServer(singly[i])
			if err != nil {
				rt.Fatal(err)
			}
			got, want := board.EncodeRecord(e).Envelope, board.EncodeRecord(one.Entry).Envelope
			if !bytes.Equal(got, want) || !bytes.Equal(got, singly[i]) {
				rt.Fatalf("together %s\nsingly   %s\nsent     %s", got, want, singly[i])
			}
		}
		if len(together) >= size {
			rt.Fatalf("%d bytes together, %d singly", len(together), size)
		}
	})
}

// What an entry says like the one before it is left out, all else is there.
func TestR10_WhatIsSharedIsLeftOut(t *testing.T) {
	a, b := entry(42), entry(43)
	a.Overwrote, b.Overwrote, b.ID, b.Blind = nil, nil, "op-8", false
	a.Change = &board.Change{Widgets: []board.WidgetChange{{ID: "old", Deleted: true}}}
	b.Change = a.Change
	want := `{"type":"SYNC_ENTRIES","timestamp":"2026-11-22T18:00:00.125Z","payload":{"dashboardId":"ops","epoch":"k3J9","entries":[` +
		`{"version":42,"type":"WIDGET_UPDATE","timestamp":"2026-11-22T18:00:00.125Z","userId":"bo","clientId":"tab-9","id":"op-7","change":{"widgets":{"old":null}},"blind":true},` +
		`{"version":43,"id":"op-8","change":{"widgets":{"old":null}}}]}}`
	if got := string(together([]*board.Entry{a, b})); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

// An envelope that is written otherwise goes alone.
func TestR10_WhatIsWrittenOtherwiseGoesAlone(t *testing.T) {
	good := envelopes(42)[0]
	for _, odd := range []string{
		"", "{}", `{"type":"WIDGET_UPDATE"`, string(good[:60]), string(good[:len(good)-1]),
		strings.Replace(string(good), `"epoch"`, `"age"`, 1),
		strings.Replace(string(good), `"author":{"userId":"bo"`, `"author":{"userId":"cy"`, 1),
		strings.Replace(string(good), `"id":"op-7"`, `"id":"op-7\"`, 1),
		strings.Replace(string(good), `,"change"`, `,"more":1,"change"`, 1),
	} {
		if b := AppendFollowing([]byte("x"), good, []byte(odd)); string(b) != "x" {
			t.Errorf("%q follows as %s", odd, b)
		}
		if b := AppendFollowing([]byte("x"), []byte(odd), good); string(b) != "x" {
			t.Errorf("%s follows on %q", b, odd)
		}
		if _, ok := BeginEntries(nil, "ops", "k3J9", []byte(odd), now); ok {
			t.Errorf("%q begins", odd)
		}
	}
}

func TestR10_AFrameIsNotLongerThanAllowed(t *testing.T) {
	frame := make([]byte, 100)
	for _, test := range []struct {
		frame, more, most int
		fits              bool
	}{
		{100, 97, 200, true},
		{100, 98, 200, false},
		{entriesMax - 3, 0, 1 << 20, true},
		{entriesMax - 3, 1, 1 << 20, false},
	} {
		frame = append(frame[:0], make([]byte, test.frame)...)
		if EntriesFit(frame, test.more, test.most) != test.fits {
			t.Errorf("%+v", test)
		}
	}
}

func TestR10_WhatIsNotWholeIsRefused(t *testing.T) {
	const all = `"type":"WIDGET_UPDATE","timestamp":"2026-11-22T18:00:00.125Z","userId":null,"clientId":"tab-9"`
	first := `{"version":7,` + all + `,"id":"a","change":{}}`
	for _, test := range []struct{ name, entries, words string }{
		{"nothing", ``, "empty"},
		{"no object", `7`, "no object"},
		{"no object behind one", first + `,[]`, "no object"},
		{"no type", `{"version":7,"timestamp":"2026-11-22T18:00:00.125Z","userId":null,"clientId":null,"id":"a","change":{}}`, "type"},
		{"a type of no entry", first + `,{"version":8,"type":"PING","id":"b","change":{}}`, "type"},
		{"no time", `{"version":7,"type":"WIDGET_UPDATE","userId":null,"clientId":null,"id":"a","change":{}}`, "does not say all"},
		{"no user", `{"version":7,"type":"WIDGET_UPDATE","timestamp":"2026-11-22T18:00:00.125Z","clientId":null,"id":"a","change":{}}`, "does not say all"},
		{"no client", `{"version":7,"type":"WIDGET_UPDATE","timestamp":"2026-11-22T18:00:00.125Z","userId":null,"id":"a","change":{}}`, "does not say all"},
		{"no id", first + `,{"version":8,"change":{}}`, "not whole"},
		{"no change", first + `,{"version":8,"id":"b"}`, "not whole"},
		{"version 0", `{"version":0,` + all + `,"id":"a","change":{}}`, "no versions"},
		{"no version", first + `,{"id":"b","change":{}}`, "does not follow"},
		{"a version twice", first + `,{"version":7,"id":"b","change":{}}`, "does not follow"},
		{"a gap", first + `,{"version":9,"id":"b","change":{}}`, "does not follow"},
		{"a change that is none", first + `,{"version":8,"id":"b","change":{"widgets":{"a":7}}}`, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			text := `{"type":"SYNC_ENTRIES","timestamp":"2026-11-22T18:00:00.125Z","payload":{"dashboardId":"ops","epoch":"e","entries":[` + test.entries + `]}}`
			m, err := DecodeServer([]byte(text))
			if err == nil || !strings.Contains(err.Error(), test.words) || m.Entries != nil {
				t.Errorf("%v, %d entries", err, len(m.Entries))
			}
		})
	}
	for _, payload := range []string{`{}`, `{"entries":{}}`, `{"entries":null}`} {
		if _, err := DecodeServer([]byte(`{"type":"SYNC_ENTRIES","timestamp":"2026-11-22T18:00:00.125Z","payload":` + payload + `}`)); err == nil {
			t.Errorf("%s is taken", payload)
		}
	}
}

// FuzzEntries: whatever two envelopes hold, what is written together is what a client
// reads, or nothing is written; and whatever a message holds, entries that are taken are whole.
func FuzzEntries(f *testing.F) {
	two := envelopes(42, 43)
	f.Add(two[0], two[1], together([]*board.Entry{entry(42), entry(43)}))
	f.Add([]byte(`{"type":"a","id":"\"`), two[1], []byte(`{"type":"SYNC_ENTRIES","payload":{"entries":[{"version":1}]}}`))
	f.Fuzz(func(t *testing.T, a, b, message []byte) {
		if frame, ok := BeginEntries(nil, "ops", "k3J9", a, now); ok {
			n := len(frame)
			frame = AppendFollowing(frame, a, b)
			one, errA := DecodeServer(a)
			two, errB := DecodeServer(b)
			follow := errA == nil && errB == nil && one.Entry != nil && two.Entry != nil && two.Entry.Version == one.Entry.Version+1 &&
				one.Entry.DashboardID == "ops" && two.Entry.DashboardID == "ops" && one.Entry.Epoch == "k3J9" && two.Entry.Epoch == "k3J9"
			if len(frame) > n && follow && EntriesFit(frame, 0, entriesMax) {
				payload, _ := NextFrame(EndEntries(frame))
				if m, err := DecodeServer(payload); err == nil {
					for i, e := range []*board.Entry{one.Entry, two.Entry} {
						if got, want := board.EncodeRecord(m.Entries[i]).Envelope, board.EncodeRecord(e).Envelope; !bytes.Equal(got, want) {
							t.Errorf("got  %s\nwant %s", got, want)
						}
					}
				}
			}
		}
		if m, err := DecodeServer(message); err == nil && m.Type == TypeSyncEntries {
			for i, e := range m.Entries {
				if e.Change == nil || e.ID == "" || e.Time.IsZero() || e.Version != m.Entries[0].Version+uint64(i) {
					t.Errorf("taken: %+v of %s", e, message)
				}
			}
		}
	})
}
