package natsjournal

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/dashwire/dashwire/journal"
)

// directory lists the dashboards in order of their ids, which the stream cannot. It
// is a row of pages, each a message that is replaced by comparing as an append is; a
// page that grows too long is cut, and links to what comes behind it. The root says
// which page begins with which id. It may be out of date: the links lead on.
//
// An id is entered before the log's first record is stored, and never taken out, so
// the directory may name a log that is empty, and never lacks one.
type directory struct {
	mu      sync.Mutex
	pages   []pageRef // the root as last seen, in order of low; empty = not read yet
	running bool
	waiting *enlistment // those for the next round; nil = nobody
}

// enlistment is one round of entering ids.
type enlistment struct {
	ids  []string
	done chan struct{}
	err  error
}

// pageRef is where a page is, and the id that it begins with.
type pageRef struct {
	low, token string
}

// page is one page as it is stored.
type page struct {
	ids  []string
	next pageRef // token "" = this is the last

	seq uint64 // where it was read; 0 = it is not there yet
}

// firstPage is the token of the page for the lowest ids, which is always there.
const firstPage = "first"

// enlist enters a dashboard. All who come while one round runs share the next.
func (j *Journal) enlist(ctx context.Context, id string) error {
	if t, ok := j.tails.get(id); ok && t.head > 0 {
		return nil
	}
	d := &j.directory
	d.mu.Lock()
	if d.waiting == nil {
		d.waiting = &enlistment{done: make(chan struct{})}
	}
	e := d.waiting
	e.ids = append(e.ids, id)
	if !d.running {
		if !j.tasks.Go(j.enlistAll) {
			d.waiting = nil
			d.mu.Unlock()
			return errClosed
		}
		d.running = true
	}
	d.mu.Unlock()
	select {
	case <-e.done:
		return e.err
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (j *Journal) enlistAll() {
	d := &j.directory
	for {
		d.mu.Lock()
		e := d.waiting
		d.waiting = nil
		if e == nil {
			d.running = false
			d.mu.Unlock()
			return
		}
		d.mu.Unlock()
		slices.Sort(e.ids)
		if err := j.enter(slices.Compact(e.ids)); err != nil {
			e.err = fmt.Errorf("enter a new dashboard in the directory: %w", err)
		}
		close(e.done)
	}
}

// enter enters sorted ids, page by page.
func (j *Journal) enter(ids []string) error {
	for len(ids) > 0 {
		n := 0
		err := j.patiently(j.life, func() error {
			ref, p, err := j.pageFor(j.life, ids[0])
			if err != nil {
				return err
			}
			n = len(ids)
			if p.next.token != "" {
				n, _ = slices.BinarySearch(ids, p.next.low)
			}
			merged := slices.Concat(p.ids, ids[:n])
			slices.Sort(merged)
			merged = slices.Compact(merged)
			if len(merged) == len(p.ids) {
				return nil
			}
			if err := j.writePage(ref, p, merged); err != nil {
				return err
			}
			j.mendRoot(ref)
			return nil
		})
		if err != nil {
			return err
		}
		ids = ids[n:]
	}
	return nil
}

// errRace: another node has changed a page meanwhile. Reading it again helps, so this
// does not wrap the refusal, which is final.
var errRace = errors.New("another node was faster")

// writePage stores the ids of a page, cut into several if they are too many.
func (j *Journal) writePage(ref pageRef, p page, ids []string) error {
	most := j.opts.tune.pageIDs
	next := p.next
	var added []pageRef
	if len(ids) > most {
		// From the last piece to the first, so that each can name the next. Nobody
		// reaches the new ones before the first piece is stored.
		size := max(most/2, 1)
		for len(ids) > size {
			from := (len(ids) - 1) / size * size
			piece := page{ids: ids[from:], next: next}
			next = pageRef{low: ids[from], token: rand.Text()}
			if _, err := j.publish(j.life, j.stream, j.subjects.pages+next.token, appendPage(nil, piece), 0, false); err != nil {
				j.drop(added)
				return fmt.Errorf("%w: %v", errRace, err)
			}
			added = append(added, next)
			ids = ids[:from]
		}
	}
	data := appendPage(nil, page{ids: ids, next: next})
	_, err := j.publish(j.life, j.stream, j.subjects.pages+ref.token, data, p.seq, true)
	switch {
	case err == nil:
		j.addToRoot(added)
		return nil
	case errors.Is(err, errConflict), errors.Is(err, errBusy), errors.Is(err, errNotSent):
		j.drop(added)
		return fmt.Errorf("%w: %v", errRace, err)
	}
	return err // it may be stored: read it again
}

// drop deletes pages that were made and are linked from nowhere. If that fails they
// stay, which takes space and nothing else.
func (j *Journal) drop(pages []pageRef) {
	for _, r := range pages {
		_ = j.logs.Purge(j.life, jetstream.WithPurgeSubject(j.subjects.pages+r.token))
	}
}

// pageFor finds the page that an id is or would be on.
func (j *Journal) pageFor(ctx context.Context, id string) (pageRef, page, error) {
	d := &j.directory
	d.mu.Lock()
	known := d.pages
	d.mu.Unlock()
	if len(known) == 0 {
		var err error
		if known, _, err = j.readRoot(ctx); err != nil {
			return pageRef{}, page{}, err
		}
		j.keepRoot(known)
	}
	i, found := slices.BinarySearchFunc(known, id, func(r pageRef, id string) int { return strings.Compare(r.low, id) })
	if !found {
		i--
	}
	ref := known[i]
	for steps := 0; ; steps++ {
		p, err := j.readPage(ctx, ref)
		if err != nil {
			return ref, p, err
		}
		if p.next.token == "" || id < p.next.low {
			if steps > 0 {
				j.keepRoot(nil) // other nodes have cut pages: read the root again
			}
			return ref, p, nil
		}
		ref = p.next
	}
}

// mendRoot enters a page that the root lacks: a node that cuts pages may die before
// it has entered them.
func (j *Journal) mendRoot(ref pageRef) {
	j.directory.mu.Lock()
	known := len(j.directory.pages) > 0 // else it was reached by links
	j.directory.mu.Unlock()
	if known {
		return
	}
	if pages, _, err := j.readRoot(j.life); err == nil && !slices.Contains(pages, ref) {
		j.addToRoot([]pageRef{ref})
	}
}

func (j *Journal) keepRoot(pages []pageRef) {
	j.directory.mu.Lock()
	j.directory.pages = pages
	j.directory.mu.Unlock()
}

func (j *Journal) readPage(ctx context.Context, ref pageRef) (page, error) {
	list, err := j.get(ctx, j.stream, getRequest{LastBy: j.subjects.pages + ref.token})
	switch {
	case errors.Is(err, errAbsent) && ref.token == firstPage:
		return page{}, nil
	case errors.Is(err, errAbsent):
		return page{}, errBehind
	case err != nil:
		return page{}, err
	}
	p, err := decodePage(list[0].data)
	p.seq = list[0].seq
	return p, err
}

// readRoot reads which pages there are; at least the first.
func (j *Journal) readRoot(ctx context.Context) ([]pageRef, uint64, error) {
	list, err := j.get(ctx, j.stream, getRequest{LastBy: j.subjects.root})
	if errors.Is(err, errAbsent) {
		return []pageRef{{"", firstPage}}, 0, nil
	}
	if err != nil {
		return nil, 0, err
	}
	pages, err := decodeRoot(list[0].data)
	return pages, list[0].seq, err
}

// addToRoot enters new pages in the root. If it cannot, the pages are found by the
// links between them, which takes longer.
func (j *Journal) addToRoot(added []pageRef) {
	if len(added) == 0 {
		return
	}
	err := j.patiently(j.life, func() error {
		pages, seq, err := j.readRoot(j.life)
		if err != nil {
			return err
		}
		pages = append(pages, added...)
		slices.SortFunc(pages, func(a, b pageRef) int { return strings.Compare(a.low, b.low) })
		pages = slices.Compact(pages)
		if _, err := j.publish(j.life, j.stream, j.subjects.root, appendRoot(nil, pages), seq, true); err != nil {
			return fmt.Errorf("%w: %v", errRace, err)
		}
		j.keepRoot(pages)
		return nil
	})
	if err != nil && j.state() == nil {
		j.opts.Logger.Warn("the directory of dashboards could not be brought up to date; finding some takes longer",
			"stream", j.stream, "err", err)
	}
}

func appendPage(dst []byte, p page) []byte {
	start := len(dst)
	dst = append(dst, formatVersion)
	dst = appendRef(dst, p.next)
	dst = binary.AppendUvarint(dst, uint64(len(p.ids)))
	for _, id := range p.ids {
		dst = appendText(dst, id)
	}
	return binary.BigEndian.AppendUint32(dst, checksum("", dst[start:]))
}

func decodePage(data []byte) (page, error) {
	r, err := readFields("a page of the directory", "", data)
	if err != nil {
		return page{}, err
	}
	p := page{next: r.ref()}
	p.ids = make([]string, r.count(2))
	for i := range p.ids {
		p.ids[i] = string(r.bytes())
	}
	return p, r.close("a page of the directory")
}

func appendRoot(dst []byte, pages []pageRef) []byte {
	start := len(dst)
	dst = append(dst, formatVersion)
	dst = binary.AppendUvarint(dst, uint64(len(pages)))
	for _, p := range pages {
		dst = appendRef(dst, p)
	}
	return binary.BigEndian.AppendUint32(dst, checksum("", dst[start:]))
}

func decodeRoot(data []byte) ([]pageRef, error) {
	r, err := readFields("the directory's root", "", data)
	if err != nil {
		return nil, err
	}
	pages := make([]pageRef, r.count(2))
	for i := range pages {
		pages[i] = r.ref()
	}
	if err := r.close("the directory's root"); err != nil {
		return nil, err
	}
	if len(pages) == 0 || pages[0].low != "" {
		return nil, fmt.Errorf("%w: the directory's root names no first page", journal.ErrCorrupt)
	}
	return pages, nil
}

func appendText(dst []byte, s string) []byte {
	return append(binary.AppendUvarint(dst, uint64(len(s))), s...)
}

func appendRef(dst []byte, r pageRef) []byte { return appendText(appendText(dst, r.low), r.token) }

func (r *reader) ref() pageRef { return pageRef{string(r.bytes()), string(r.bytes())} }
