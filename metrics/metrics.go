package metrics

import (
	"errors"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/dashwire/dashwire/board"
	"github.com/dashwire/dashwire/journal"
	"github.com/dashwire/dashwire/observe"
)

// Options of New; the zero value is ready to use.
type Options struct {
	// Registry takes the collectors; nil = a new one, which has those of the Go
	// runtime and of the process too. One registry holds one server's metrics.
	Registry *prometheus.Registry
	// Numbers is asked at each scrape for what no hook tells, such as the size of the
	// journal's file. It may be called by several goroutines at once. The names and
	// their order must stay the same.
	Numbers func() []Number
}

// Number is one number of the embedding program.
type Number struct {
	Name  string // with its unit, such as dashwire_journal_bytes
	Help  string
	Value float64
	// Labels are the same names for all numbers of one name; nil = none.
	Labels map[string]string
	// Counter marks a number that only grows; its name ends in _total.
	Counter bool
}

// New gives the hooks that feed the metrics and the handler that serves them.
func New(opts Options) (observe.Hooks, http.Handler) {
	reg := opts.Registry
	if reg == nil {
		reg = prometheus.NewRegistry()
		reg.MustRegister(
			collectors.NewGoCollector(),
			collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		)
	}
	m := newMetrics(reg)
	for _, l := range observe.Limits() {
		m.limited.WithLabelValues(string(l)) // at 0, so that the first hit is an increase
	}
	if opts.Numbers != nil {
		reg.MustRegister(numbers(opts.Numbers))
	}
	return m.hooks(), promhttp.HandlerFor(reg, promhttp.HandlerOpts{Registry: reg})
}

// seconds are the buckets of times: 50 µs to 13 s, each twice the one before.
var seconds = prometheus.ExponentialBuckets(50e-6, 2, 19)

// races are the buckets of how often an op was overtaken.
var races = []float64{1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64}

// metrics are the collectors of one server.
type metrics struct {
	sessions      prometheus.Gauge
	opened        *prometheus.CounterVec
	closed        *prometheus.CounterVec
	messages      byLabel
	messageBytes  prometheus.Counter
	refused       *prometheus.CounterVec
	limited       *prometheus.CounterVec
	committed     byLabel
	overwrites    prometheus.Counter
	conflicts     *prometheus.CounterVec
	appends       prometheus.Histogram
	appendRecords prometheus.Counter
	appendsFailed prometheus.Counter
	appendsLost   prometheus.Counter
	raced         prometheus.Histogram
	acks          prometheus.Histogram
	delivered     prometheus.Counter
	deliveredSize prometheus.Counter
	writes        prometheus.Counter
	fanouts       prometheus.Histogram
	open          prometheus.Gauge
	opening       prometheus.Histogram
	webhooks      *prometheus.CounterVec
	webhookTimes  prometheus.Histogram
	errors        prometheus.Counter

	mu sync.Mutex
	// present are the ids of open sessions: Connect is called more than once for each.
	present map[string]struct{}
}

// byLabel is a vector with one label, whose counters are looked up once each: they are
// counted with every edit.
type byLabel struct {
	vec   *prometheus.CounterVec
	found sync.Map // of prometheus.Counter, by label
}

func (b *byLabel) inc(label string) {
	c, ok := b.found.Load(label)
	if !ok {
		c, _ = b.found.LoadOrStore(label, b.vec.WithLabelValues(label))
	}
	c.(prometheus.Counter).Inc()
}

func newMetrics(reg prometheus.Registerer) *metrics {
	counter := func(name, help string) prometheus.Counter {
		c := prometheus.NewCounter(prometheus.CounterOpts{Namespace: "dashwire", Name: name, Help: help})
		reg.MustRegister(c)
		return c
	}
	counters := func(name, labels, help string) *prometheus.CounterVec {
		c := prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: "dashwire", Name: name, Help: help}, strings.Fields(labels))
		reg.MustRegister(c)
		return c
	}
	gauge := func(name, help string) prometheus.Gauge {
		g := prometheus.NewGauge(prometheus.GaugeOpts{Namespace: "dashwire", Name: name, Help: help})
		reg.MustRegister(g)
		return g
	}
	times := func(name, help string) prometheus.Histogram {
		h := prometheus.NewHistogram(prometheus.HistogramOpts{Namespace: "dashwire", Name: name, Help: help, Buckets: seconds})
		reg.MustRegister(h)
		return h
	}
	counts := func(name, help string) prometheus.Histogram {
		h := prometheus.NewHistogram(prometheus.HistogramOpts{Namespace: "dashwire", Name: name, Help: help, Buckets: races})
		reg.MustRegister(h)
		return h
	}
	return &metrics{
		sessions:      gauge("sessions", "Open sessions."),
		opened:        counters("sessions_opened_total", "transport", "Sessions opened."),
		closed:        counters("sessions_closed_total", "code", "Sessions ended, by close code."),
		messages:      byLabel{vec: counters("messages_received_total", "type", "Messages taken in.")},
		messageBytes:  counter("received_bytes_total", "Bytes of the messages taken in."),
		refused:       counters("refused_total", "code", "Requests refused (NACK and REST), by code."),
		limited:       counters("limits_total", "limit", "Times that a limit was hit, by its name."),
		committed:     byLabel{vec: counters("entries_committed_total", "type", "Entries made durable.")},
		overwrites:    counter("overwrites_total", "Values that an edit replaced in a clash; all were told (M6)."),
		conflicts:     counters("conflicts_total", "kind", "Clashes that went to a person."),
		appends:       times("append_duration_seconds", "Time of one append to the journal, fsync and all."),
		appendRecords: counter("append_records_total", "Records appended to the journal."),
		appendsFailed: counter("appends_failed_total", "Appends to the journal that failed."),
		appendsLost:   counter("appends_lost_total", "Appends that were decided again, since another node was first."),
		raced:         counts("op_races_lost", "How often other nodes were first, of each op that this happened to."),
		acks:          times("ack_duration_seconds", "Time from taking an op in to its answer."),
		delivered:     counter("entries_delivered_total", "Entries written to sessions."),
		deliveredSize: counter("delivered_bytes_total", "Bytes of the entries written to sessions."),
		writes:        counter("delivery_writes_total", "Writes that carried entries to a session."),
		fanouts:       times("fanout_duration_seconds", "Time from a change until all sessions of its dashboard had been written to."),
		open:          gauge("dashboards_open", "Dashboards in memory."),
		opening:       times("dashboard_open_duration_seconds", "Time to open a dashboard from the journal."),
		webhooks:      counters("webhook_attempts_total", "target result", "Requests to webhook targets, by what became of them."),
		webhookTimes:  times("webhook_attempt_duration_seconds", "Time of one request to a webhook target."),
		errors:        counter("errors_total", "Errors that the operator should know; the log names them."),
		present:       make(map[string]struct{}),
	}
}

func (m *metrics) hooks() observe.Hooks {
	return observe.Hooks{
		Connect:    m.connect,
		Disconnect: m.disconnect,
		Message: func(_ observe.Session, messageType string, bytes int) {
			m.messages.inc(known(messageType))
			m.messageBytes.Add(float64(bytes))
		},
		Refused: func(_ observe.Session, err *board.Error) {
			m.refused.WithLabelValues(string(err.Code)).Inc()
		},
		Limited: func(l observe.Limit, _ observe.Session) { m.limited.WithLabelValues(string(l)).Inc() },
		Commit: func(e *board.Entry) {
			m.committed.inc(string(e.Type))
			m.overwrites.Add(float64(len(e.Overwrote)))
		},
		Conflict: func(c *board.Conflict) { m.conflicts.WithLabelValues(string(c.Kind)).Inc() },
		Append: func(_ string, records int, took time.Duration, err error) {
			m.appends.Observe(took.Seconds())
			switch {
			case err == nil:
				m.appendRecords.Add(float64(records))
			case errors.Is(err, journal.ErrMoved):
				m.appendsLost.Inc()
			default:
				m.appendsFailed.Inc()
			}
		},
		Raced:        func(lost int) { m.raced.Observe(float64(lost)) },
		Acknowledged: func(took time.Duration) { m.acks.Observe(took.Seconds()) },
		Deliver: func(entries, bytes int) {
			m.writes.Inc()
			m.delivered.Add(float64(entries))
			m.deliveredSize.Add(float64(bytes))
		},
		Fanout: func(took time.Duration) { m.fanouts.Observe(took.Seconds()) },
		RoomOpen: func(_ string, took time.Duration) {
			m.open.Inc()
			m.opening.Observe(took.Seconds())
		},
		RoomClose: func(string) { m.open.Dec() },
		Webhook: func(target string, took time.Duration, err error) {
			result := "taken"
			if err != nil {
				result = "failed"
			}
			m.webhooks.WithLabelValues(target, result).Inc()
			m.webhookTimes.Observe(took.Seconds())
		},
		Error: func(error, string) { m.errors.Inc() },
	}
}

func (m *metrics) connect(s observe.Session) {
	m.mu.Lock()
	_, again := m.present[s.ID]
	m.present[s.ID] = struct{}{}
	m.sessions.Set(float64(len(m.present))) // here, so that the last number set is the latest
	m.mu.Unlock()
	if again {
		return
	}
	m.opened.WithLabelValues(s.Transport).Inc()
}

func (m *metrics) disconnect(s observe.Session, code int, _ string) {
	m.mu.Lock()
	delete(m.present, s.ID)
	m.sessions.Set(float64(len(m.present)))
	m.mu.Unlock()
	m.closed.WithLabelValues(closeCode(code)).Inc()
}

// closeCode is the label of a close code. A client may send any code: what the
// protocol does not name is other, so that series cannot be made from outside.
func closeCode(code int) string {
	if 1000 <= code && code <= 1014 || 4400 <= code && code < 4500 || code == 4500 {
		return strconv.Itoa(code)
	}
	return other
}

const other = "other"

// known is the label of a message type: a client may send any text as one.
func known(messageType string) string {
	switch messageType {
	case "CONNECT", "DISCONNECT", "PING", "PONG", "SYNC_REQUEST", "PRESENCE", "WIDGET_DATA",
		string(board.TypeUpdate), string(board.TypeDelete), string(board.TypeBatch), string(board.TypeLayout),
		string(board.TypeLayoutRestore), string(board.TypeSettings), string(board.TypeResolved):
		return messageType
	default:
		return other
	}
}

// numbers collects the numbers of the embedding program.
type numbers func() []Number

// Describe sends nothing: the collector is unchecked, since asking for the numbers
// may need a server that is not there yet.
func (n numbers) Describe(chan<- *prometheus.Desc) {}

// Collect implements prometheus.Collector.
func (n numbers) Collect(out chan<- prometheus.Metric) {
	for _, v := range n() {
		kind := prometheus.GaugeValue
		if v.Counter {
			kind = prometheus.CounterValue
		}
		desc := prometheus.NewDesc(v.Name, v.Help, nil, v.Labels)
		m, err := prometheus.NewConstMetric(desc, kind, v.Value)
		if err != nil {
			m = prometheus.NewInvalidMetric(desc, err)
		}
		out <- m
	}
}
