package bench

import (
	"bytes"
	"context"
	"fmt"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

// valuesAtOnce is how many values one WIDGET_DATA of a feeder holds.
const valuesAtOnce = 50

// valuesKey begins the live values of a message.
var valuesKey = []byte(`"values":{`)

// values measures live values: every widget of one dashboard gets a new one so many times
// a second, and all readers follow. Each value is the time at which it was sent.
func (r *run) values(ctx context.Context) error {
	var late Histogram
	var wg sync.WaitGroup
	defer wg.Wait()
	defer r.closeAll()

	viewers := make([]*viewer, r.opts.Readers)
	err := r.openMany(ctx, len(viewers), func(i int) error {
		c, err := r.introduce(ctx, r.readerAt(i), r.name+"-v"+strconv.Itoa(i), "", r.dashboard(0), "", 0)
		if err != nil {
			return err
		}
		viewers[i] = &viewer{conn: c, synced: make(chan struct{}), last: make([]atomic.Uint64, r.opts.Widgets)}
		return nil
	})
	if err != nil {
		return err
	}
	for _, v := range viewers {
		wg.Go(func() { v.run(r, &late) })
	}
	for _, v := range viewers {
		select {
		case <-v.synced:
		case <-time.After(settle):
			return fmt.Errorf("a reader has no document after %s", settle)
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	feeders := make([]*conn, r.opts.Editors)
	for i := range feeders {
		if feeders[i], err = r.open(ctx, r.name+"-f"+strconv.Itoa(i), ""); err != nil {
			return err
		}
		wg.Go(func() { r.lost("a feeder", r.listen(feeders[i])) })
	}
	f := &feed{conns: feeders, dashboard: r.dashboard(0), rate: r.opts.Rate, sent: make([]atomic.Uint64, r.opts.Widgets)}
	feeding, end := context.WithCancel(ctx)
	defer end()
	ended := make(chan struct{})
	wg.Go(func() {
		defer close(ended)
		f.run(feeding)
	})

	r.opts.Progress("warming up")
	if err := wait(ctx, warmUp); err != nil {
		return err
	}
	from, err := r.tallyValues(ctx, f, viewers, &late)
	if err != nil {
		return err
	}
	r.opts.Progress(fmt.Sprintf("measuring for %s", r.opts.Duration))
	if err := wait(ctx, r.opts.Duration); err != nil {
		return err
	}
	to, err := r.tallyValues(ctx, f, viewers, &late)
	if err != nil {
		return err
	}
	end()
	<-ended
	took, err := r.allHeard(ctx, f, viewers)
	if err != nil {
		return err
	}

	seconds := to.at.Sub(from.at).Seconds()
	r.report.Seconds = seconds
	sent := float64(to.count - from.count)
	heard := float64(to.heard - from.heard)
	all := sent * float64(len(viewers))
	r.report.add("values sent", sent/seconds, "/s")
	r.report.add("values heard", heard/seconds, "/s")
	r.report.add("conflated", 100*max(0, 1-heard/all), "%")
	r.report.add("messages heard", float64(to.messages-from.messages)/seconds, "/s")
	if cpu := to.used.processor - from.used.processor; cpu > 0 && heard > 0 {
		r.report.add("server", 100*cpu.Seconds()/seconds, "% of a core")
		r.report.add("server, each value heard", float64(cpu.Nanoseconds())/heard, "ns")
	}
	r.report.times("lateness", to.late.Since(from.late))
	r.report.add("newest heard by all after", millis(took), "ms")
	return nil
}

// listen reads what a feeder is told, which is nothing but refusals.
func (r *run) listen(c *conn) error {
	for {
		err := c.read(func(m []byte) error {
			if kindOf(m) == nackKind {
				r.fault("live values were refused: %.200s", m)
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
}

// valuesTally is what has been counted so far.
type valuesTally struct {
	at                     time.Time
	count, heard, messages uint64
	late                   Counts
	used                   usage
}

func (r *run) tallyValues(ctx context.Context, f *feed, viewers []*viewer, late *Histogram) (t valuesTally, err error) {
	t.used, err = r.usage(ctx)
	t.at, t.count, t.late = time.Now(), f.count.Load(), late.Counts()
	for _, v := range viewers {
		t.heard += v.heard.Load()
		t.messages += v.messages.Load()
	}
	return t, err
}

// allHeard waits until every viewer has the newest value of every widget (W1), and tells
// how long that took.
func (r *run) allHeard(ctx context.Context, f *feed, viewers []*viewer) (time.Duration, error) {
	began := time.Now()
	for _, v := range viewers {
		for w := range f.sent {
			for v.last[w].Load() != f.sent[w].Load() {
				if time.Since(began) > settle {
					r.fault("a reader has not heard the newest value of a widget within %s", settle)
					return settle, nil
				}
				if err := wait(ctx, time.Millisecond); err != nil {
					return 0, err
				}
			}
		}
	}
	return time.Since(began), nil
}

// feed sends live values: those of some widgets at a time, the messages evenly apart.
type feed struct {
	conns     []*conn
	dashboard string
	rate      int             // of each widget, a second
	sent      []atomic.Uint64 // the newest value, by widget
	count     atomic.Uint64
	message   []byte
}

func (f *feed) run(ctx context.Context) {
	chunks := (len(f.sent) + valuesAtOnce - 1) / valuesAtOnce
	perSecond := float64(chunks * f.rate)
	tick := time.NewTicker(max(time.Duration(float64(time.Second)/perSecond), time.Millisecond))
	defer tick.Stop()
	began, done := time.Now(), 0
	for {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
		for due := int(time.Since(began).Seconds() * perSecond); done < due; done++ {
			chunk := done % chunks
			c := f.conns[chunk%len(f.conns)] // one sender for each widget: they arrive in order
			f.queue(c, chunk*valuesAtOnce)
			if c.flush() != nil {
				return
			}
		}
	}
}

func (f *feed) queue(c *conn, first int) {
	m := append(f.message[:0], `{"type":"WIDGET_DATA","id":"v","payload":{"dashboardId":"`...)
	m = append(append(m, f.dashboard...), `","values":{`...)
	until := min(first+valuesAtOnce, len(f.sent))
	for w := first; w < until; w++ {
		if w > first {
			m = append(m, ',')
		}
		value := uint64(time.Since(started))
		f.sent[w].Store(value)
		m = strconv.AppendInt(append(m, `"w`...), int64(w), 10)
		m = strconv.AppendUint(append(m, `":{"data":`...), value, 10)
		m = append(m, `,"mode":"replace"}`...)
	}
	f.message = append(m, `}}}`...)
	f.count.Add(uint64(until - first))
	c.queue(opText, f.message)
}

// viewer follows one dashboard and counts the live values that it hears.
type viewer struct {
	*conn
	synced          chan struct{}
	known           bool
	last            []atomic.Uint64 // the newest value heard, by widget
	heard, messages atomic.Uint64
}

func (v *viewer) run(r *run, late *Histogram) {
	for {
		err := v.read(func(m []byte) error {
			switch kindOf(m) {
			case syncKind:
				if !v.known && lastPart(m) {
					v.known = true
					close(v.synced)
				}
			case nackKind:
				r.fault("a reader was refused: %.200s", m)
			case dataKind:
				v.take(r, m, late)
			}
			return nil
		})
		if err != nil {
			r.lost("a reader", err)
			return
		}
	}
}

// take counts the values of a message.
func (v *viewer) take(r *run, m []byte, late *Histogram) {
	i := bytes.Index(m, valuesKey)
	if i < 0 {
		return
	}
	now := uint64(time.Since(started))
	heard := uint64(0)
	for rest := m[i+len(valuesKey):]; len(rest) > 2 && rest[0] == '"' && rest[1] == 'w'; heard++ {
		w, rest2 := leadingNumber(rest[2:])
		data := bytes.IndexByte(rest2, ':') // of "data": ends the key before it
		more := bytes.IndexByte(rest2[data+1:], ':')
		sent, rest3 := leadingNumber(rest2[data+1+more+1:])
		if int(w) < len(v.last) {
			if before := v.last[w].Load(); sent < before {
				r.fault("a reader heard an older value after a newer one (W1)")
			} else {
				v.last[w].Store(sent)
			}
		}
		if sent < now {
			late.Add(time.Duration(now - sent))
		}
		end := bytes.IndexByte(rest3, '}')
		if end < 0 {
			break
		}
		rest = rest3[end+1:]
		if len(rest) > 0 && rest[0] == ',' {
			rest = rest[1:]
		}
	}
	v.heard.Add(heard)
	v.messages.Add(1)
}

// leadingNumber reads the digits at the front.
func leadingNumber(b []byte) (n uint64, rest []byte) {
	for len(b) > 0 && b[0] >= '0' && b[0] <= '9' {
		n = n*10 + uint64(b[0]-'0')
		b = b[1:]
	}
	return n, b
}
