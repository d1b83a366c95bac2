package natsjournal

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/dashwire/dashwire/journal"
)

// TestReadFromAnywhereInALongLog goes by the links between messages.
func TestReadFromAnywhereInALongLog(t *testing.T) {
	s := newServer(t, t.TempDir(), false)
	j := mustOpen(t, s.url(), single())
	rng := rand.New(rand.NewPCG(1, 2))
	const length = 3000
	for head := journal.Position(0); head < length; {
		records := numbers(length)[head:]
		n := 1
		if rng.IntN(10) == 0 {
			n = 1 + rng.IntN(40)
		}
		records = records[:min(n, len(records))]
		must(t, j, of("ops", head, records...))
		must(t, j, of(fmt.Sprint("other", rng.IntN(5)), 0, "x"))
		head += journal.Position(len(records))
	}
	read := func(after journal.Position, most int) {
		t.Helper()
		for r, err := range j.Read(t.Context(), "ops", after) {
			if err != nil {
				t.Fatal(err)
			}
			if after++; r.Position != after || string(r.Data) != fmt.Sprint(after) {
				t.Fatalf("position %d holds %q, want position %d", r.Position, r.Data, after)
			}
			if most--; most == 0 {
				return
			}
		}
		if after != length {
			t.Fatalf("reading ended at %d of %d", after, length)
		}
	}
	for range 300 {
		read(journal.Position(rng.IntN(length)), 30)
	}
	read(0, length)
	for after := journal.Position(length - 20); after < length; after++ {
		read(after, 100)
	}
	// The links of a message are few, and lead far.
	e, err := j.lookup(t.Context(), "ops", true)
	if err != nil || len(e.links) > 6 || e.links[len(e.links)-1].first > length-length/16 {
		t.Errorf("links of the next message: %v, %v", e.links, err)
	}
}

func TestLinksReachFartherEach(t *testing.T) {
	var at *message
	seq := uint64(0)
	all := make(map[journal.Position]*message)
	for p := journal.Position(1); p <= 20_000; p++ {
		m := &message{first: p, records: [][]byte{{'x'}}}
		if at != nil {
			m.links = linksAfter(at, seq)
		}
		seq++
		at, all[p] = m, m
	}
	longest := 0
	for p := journal.Position(1); p < 20_000; p += 7 {
		m, steps := at, 0
		for m.first > p {
			to := m.links[0]
			for _, l := range m.links[1:] {
				if l.first <= p {
					break
				}
				to = l
			}
			m = all[to.first]
			steps++
			if to.first <= p {
				break
			}
		}
		if m.first != p {
			t.Fatalf("looking for %d led to %d", p, m.first)
		}
		longest = max(longest, steps)
	}
	if longest > 2*linkBase*5 {
		t.Errorf("a position was found after %d steps", longest)
	}
}

func TestSizesAtTheLimit(t *testing.T) {
	s := newServer(t, t.TempDir(), true)
	j := mustOpen(t, s.url(), single())
	most := minPayload - spareBytes
	fits := of("ops", 0, strings.Repeat("x", most-len(`{}`)-10))
	if appendSize(fits) != most {
		t.Fatalf("the append has %d bytes, want %d", appendSize(fits), most)
	}
	must(t, j, fits)
	must(t, j, fits) // confirmed, from the log
	over := of("ops", 1, strings.Repeat("x", most-len(`{}`)-9))
	if _, err := j.Append(t.Context(), over); !errors.Is(err, journal.ErrInvalid) {
		t.Fatalf("an append over the limit: got %v, want ErrInvalid", err)
	}
	must(t, j, of("ops", 1, "small"))
	wantLog(t, j, "ops", string(fits.Records[0]), "small")
	// Two nodes hear of it too.
	big := make([]byte, 20<<20)
	for i := range big {
		big[i] = byte(i * 31 >> 4)
	}
	if err := j.SaveSnapshot(t.Context(), "ops", journal.Snapshot{Position: 2, Data: big}); err != nil {
		t.Fatal(err)
	}
	if got, err := j.Snapshot(t.Context(), "ops", 2); err != nil || !bytes.Equal(got.Data, big) {
		t.Errorf("a snapshot of 20 MiB: %d bytes, %v", len(got.Data), err)
	}
}

// TestListOfTenThousand has two nodes make dashboards at once.
func TestListOfTenThousand(t *testing.T) {
	s := newServer(t, t.TempDir(), false)
	nodes := []*Journal{mustOpen(t, s.url(), single()), mustOpen(t, s.url(), single())}
	const dashboards, writers = 10_000, 100
	var want []string
	for n := range dashboards {
		want = append(want, fmt.Sprintf("%s.%d", []string{"team", "a:b", "Z"}[n%3], n))
	}
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			for n := w; n < dashboards; n += writers {
				if err := settle(t.Context(), nodes[n/writers%2], of(want[n], 0, "x")); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	slices.Sort(want)
	for _, limit := range []int{999, 20_000} {
		var got []string
		for after := ""; ; {
			page, err := nodes[0].List(t.Context(), after, limit)
			if err != nil {
				t.Fatal(err)
			}
			for _, info := range page {
				got = append(got, info.DashboardID)
			}
			if len(page) < limit {
				break
			}
			after = got[len(got)-1]
		}
		if !slices.Equal(got, want) {
			t.Fatalf("pages of %d: %d dashboards, want %d", limit, len(got), len(want))
		}
	}
	// A node that has not seen the directory grow finds its way.
	third := mustOpen(t, s.url(), single())
	third.keepRoot([]pageRef{{"", firstPage}})
	page, err := third.List(t.Context(), want[9000], 1)
	if err != nil || len(page) != 1 || page[0].DashboardID != want[9001] {
		t.Errorf("got %v, %v", page, err)
	}
	pages, seq, err := third.readRoot(t.Context())
	if err != nil || len(pages) < dashboards/256 {
		t.Errorf("the root names %d pages, %v", len(pages), err)
	}
	// A page that the root lacks is entered by who comes by.
	lacking := slices.Delete(slices.Clone(pages), 5, 6)
	if _, err := third.publish(t.Context(), third.stream, third.subjects.root, appendRoot(nil, lacking), seq, true); err != nil {
		t.Fatal(err)
	}
	third.keepRoot(nil)
	must(t, third, of(pages[5].low+"-new", 0, "x"))
	if again, _, err := third.readRoot(t.Context()); err != nil || !slices.Equal(again, pages) {
		t.Errorf("the root names %d pages, %v; want %d", len(again), err, len(pages))
	}
}

// TestListPassesOverWhatWasNeverBegun: a node may die between entering an id and
// storing its first record.
func TestListPassesOverWhatWasNeverBegun(t *testing.T) {
	s := newServer(t, t.TempDir(), true)
	j := mustOpen(t, s.url(), single())
	for _, id := range []string{"a", "ghost", "z"} {
		if err := j.enlist(t.Context(), id); err != nil {
			t.Fatal(err)
		}
	}
	must(t, j, of("a", 0, "x"))
	must(t, j, of("z", 0, "x"))
	page, err := j.List(t.Context(), "", 2)
	if err != nil || len(page) != 2 || page[1].DashboardID != "z" {
		t.Errorf("got %v, %v", page, err)
	}
}

// TestR7_DamageClosesOneLog: what cannot be read is an error, for that log alone.
func TestR7_DamageClosesOneLog(t *testing.T) {
	s := newServer(t, t.TempDir(), true)
	j := mustOpen(t, s.url(), single())
	js := admin(t, s.url())
	good := appendMessage(nil, "ops", &message{first: 1, records: [][]byte{[]byte("x")}})
	newer := slices.Clone(good)
	newer[0] = formatVersion + 1
	flipped := slices.Clone(good)
	flipped[len(flipped)-6] ^= 1
	for name, data := range map[string][]byte{
		"other": good, "newer": newer, "flipped": flipped, "short": {1, 2}, "empty": nil,
	} {
		if _, err := js.Publish(t.Context(), j.subjects.log(name), data); err != nil {
			t.Fatal(err)
		}
		if _, _, err := j.Head(t.Context(), name); !errors.Is(err, journal.ErrCorrupt) {
			t.Errorf("head of %s: got %v, want ErrCorrupt", name, err)
		}
		for _, err := range j.Read(t.Context(), name, 0) {
			if !errors.Is(err, journal.ErrCorrupt) {
				t.Errorf("read %s: got %v, want ErrCorrupt", name, err)
			}
		}
		if _, err := j.Append(t.Context(), of(name, 1, "y")); !errors.Is(err, journal.ErrCorrupt) {
			t.Errorf("append to %s: got %v, want ErrCorrupt", name, err)
		}
	}
	must(t, j, of("ops", 0, "x"))
	wantLog(t, j, "ops", "x")
	if page, err := j.List(t.Context(), "", 10); err != nil || len(page) != 1 {
		t.Errorf("list: %v, %v", page, err)
	}
}

func TestR7_AMissingMessageIsNoticed(t *testing.T) {
	s := newServer(t, t.TempDir(), true)
	o := single()
	o.tune.patience = 100 * time.Millisecond
	j := mustOpen(t, s.url(), o)
	for n := range journal.Position(20) {
		must(t, j, of("ops", n, fmt.Sprint(n+1)))
	}
	// Somebody purges and publishes by hand.
	e, err := j.lookup(t.Context(), "ops", true)
	if err != nil {
		t.Fatal(err)
	}
	m := &message{first: 30, links: e.links, records: [][]byte{[]byte("30")}}
	if _, err := admin(t, s.url()).Publish(t.Context(), j.subjects.log("ops"), appendMessage(nil, "ops", m)); err != nil {
		t.Fatal(err)
	}
	last := error(nil)
	for _, err := range j.Read(t.Context(), "ops", 0) {
		last = err
	}
	if !errors.Is(last, journal.ErrCorrupt) {
		t.Errorf("got %v, want ErrCorrupt", last)
	}
}

func TestA5_SnapshotsOfTwoNodes(t *testing.T) {
	s := newServer(t, t.TempDir(), true)
	o := single()
	o.tune.chunk = 1000
	nodes := []*Journal{mustOpen(t, s.url(), o), mustOpen(t, s.url(), o)}
	records := numbers(3000)
	must(t, nodes[0], of("ops", 0, records...))
	var wg sync.WaitGroup
	for n, j := range nodes {
		wg.Go(func() {
			for i := range 10 {
				p := journal.Position(1 + 200*i + 7*n)
				data := bytes.Repeat([]byte(fmt.Sprint(p, " ")), 1000)
				if err := j.SaveSnapshot(t.Context(), "ops", journal.Snapshot{Position: p, Data: data}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	got, err := nodes[1].Snapshot(t.Context(), "ops", 3000)
	if err != nil || got.Position != 1808 || !bytes.Equal(got.Data, bytes.Repeat([]byte("1808 "), 1000)) {
		t.Fatalf("snapshot at %d with %d bytes, %v", got.Position, len(got.Data), err)
	}
	// What lost its race goes with the next one.
	if err := nodes[0].SaveSnapshot(t.Context(), "ops", journal.Snapshot{Position: 1999, Data: []byte("last")}); err != nil {
		t.Fatal(err)
	}
	x, err := nodes[0].readIndex(t.Context(), "ops")
	if err != nil {
		t.Fatal(err)
	}
	parts := 0
	for _, saved := range x.list {
		parts += saved.parts
	}
	info, err := nodes[0].snaps.Info(t.Context(), jetstream.WithSubjectFilter(nodes[0].subjects.chunks+">"))
	if err != nil || len(info.State.Subjects) != parts {
		t.Errorf("%d parts are stored, the index names %d: %v", len(info.State.Subjects), parts, err)
	}
	// One that is damaged is passed over.
	if _, err := admin(t, s.url()).Publish(t.Context(), nodes[0].chunkSubject("ops", x.list[len(x.list)-1].token, 0), []byte("lest")); err != nil {
		t.Fatal(err)
	}
	got, err = nodes[0].Snapshot(t.Context(), "ops", 3000)
	if err != nil || got.Position >= 1999 {
		t.Errorf("a damaged snapshot: got %d, %v", got.Position, err)
	}
}

func TestM12_TrimmingEndsAtASnapshot(t *testing.T) {
	s := newServer(t, t.TempDir(), false)
	o := single()
	o.KeepEntries = 300
	o.tune.keepAlways = 200
	j := mustOpen(t, s.url(), o)
	save := func(p journal.Position) {
		t.Helper()
		if err := j.SaveSnapshot(t.Context(), "ops", journal.Snapshot{Position: p, Data: fmt.Append(nil, p)}); err != nil {
			t.Fatal(err)
		}
	}
	first := func() journal.Position {
		t.Helper()
		p, err := j.oldest(t.Context(), "ops")
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	for n := range journal.Position(600) {
		must(t, j, of("ops", 3*n, "a", "b", "c"))
		if n == 300 {
			save(900) // 3 after it: nothing to let go
			if p := first(); p != 1 {
				t.Fatalf("the oldest record is %d, want 1", p)
			}
		}
	}
	save(1500) // 300 after it
	if p := first(); p != 1501 {
		t.Fatalf("the oldest record is %d, want 1501", p)
	}
	if got, err := j.Snapshot(t.Context(), "ops", 1500); err != nil || got.Position != 1500 {
		t.Errorf("snapshot at %d, %v", got.Position, err)
	}
	if got, err := j.Snapshot(t.Context(), "ops", 1499); err != nil || got.Position != 0 {
		t.Errorf("a snapshot whose log is gone: %d, %v", got.Position, err)
	}
	for after, trimmed := range map[journal.Position]bool{0: true, 900: true, 1499: true, 1500: false, 1700: false} {
		var got error
		for _, err := range j.Read(t.Context(), "ops", after) {
			got = err
			break
		}
		if errors.Is(got, journal.ErrTrimmed) != trimmed || !trimmed && got != nil {
			t.Errorf("read after %d: %v", after, got)
		}
	}
	must(t, j, of("ops", 1800, "d"))
	if head, _, err := j.Head(t.Context(), "ops"); err != nil || head != 1801 {
		t.Errorf("head is %d, %v", head, err)
	}
}

func TestTrimmingByAge(t *testing.T) {
	s := newServer(t, t.TempDir(), false)
	o := single()
	o.KeepAge = time.Nanosecond
	o.tune.keepAlways = 10
	j := mustOpen(t, s.url(), o)
	for n := range journal.Position(100) {
		must(t, j, of("ops", n, fmt.Sprint(n+1)))
	}
	if err := j.SaveSnapshot(t.Context(), "ops", journal.Snapshot{Position: 80, Data: []byte("s")}); err != nil {
		t.Fatal(err)
	}
	if p, err := j.oldest(t.Context(), "ops"); err != nil || p != 81 {
		t.Errorf("the oldest record is %d, %v; want 81", p, err)
	}
	if err := j.trimAll(t.Context()); err != nil {
		t.Fatal(err)
	}
	if p, err := j.oldest(t.Context(), "ops"); err != nil || p != 81 {
		t.Errorf("the oldest record is %d, %v; want 81", p, err)
	}
}

// TestA6_UnusedLogsAreForgotten: what is remembered for appends goes with time.
func TestA6_UnusedLogsAreForgotten(t *testing.T) {
	s := newServer(t, t.TempDir(), false)
	o := single()
	o.tune.idle = time.Hour // by hand
	j := mustOpen(t, s.url(), o)
	for n := range 100 {
		must(t, j, of(fmt.Sprint("d", n), 0, "x"))
	}
	j.tails.age()
	must(t, j, of("d7", 1, "y"))
	j.tails.age()
	if n := j.tails.len(); n != 1 {
		t.Errorf("%d logs are remembered, want the one in use", n)
	}
	j.tails.age()
	if n := j.tails.len(); n != 0 {
		t.Errorf("%d logs are remembered, want none", n)
	}
	must(t, j, of("d7", 2, "z"))
	wantLog(t, j, "d7", "x", "y", "z")
}

func FuzzDecode(f *testing.F) {
	f.Add(appendMessage(nil, "ops", &message{first: 9, time: 5, links: []link{{8, 7}, {1, 2}}, records: [][]byte{[]byte("x")}}))
	f.Add(appendPage(nil, page{ids: []string{"a", "b"}, next: pageRef{"c", "token"}}))
	f.Add(appendRoot(nil, []pageRef{{"", "first"}, {"m", "t"}}))
	f.Add(appendIndex(nil, "ops", []saved{{position: 5, token: "t", parts: 1, size: 4, crc: 7}}))
	f.Fuzz(func(t *testing.T, data []byte) {
		// A right checksum leads further in.
		for _, owner := range []string{"ops", ""} {
			fixed := slices.Clone(data)
			if len(fixed) > 5 {
				sum := checksum(owner, fixed[:len(fixed)-4])
				fixed = append(fixed[:len(fixed)-4], byte(sum>>24), byte(sum>>16), byte(sum>>8), byte(sum))
			}
			for _, b := range [][]byte{data, fixed} {
				if m, err := decodeMessage("ops", b); err == nil {
					if again := appendMessage(nil, "ops", m); len(again) > len(b) {
						t.Errorf("%x was read and is written as %x", b, again)
					}
				}
				_, _ = decodePage(b)
				_, _ = decodeRoot(b)
				_, _ = decodeIndex("ops", b)
			}
		}
	})
}
