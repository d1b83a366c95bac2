package board

import (
	"encoding/hex"
	"fmt"
	"iter"
	"strconv"
	"time"
)

// reader reads members of stored objects and keeps the first fault.
type reader struct{ err error }

func (r *reader) fail(key, what string) {
	if r.err == nil {
		r.err = fmt.Errorf("member %q %s", key, what)
	}
}

func (r *reader) string(key string, v Value) string {
	if v.Kind() != '"' {
		r.fail(key, "is no string")
	}
	return v.text()
}

// nullable reads a string or null, which is "".
func (r *reader) nullable(key string, v Value) string {
	if v == "null" {
		return ""
	}
	return r.string(key, v)
}

func (r *reader) uint(key string, v Value) uint64 {
	n, err := strconv.ParseUint(string(v), 10, 64)
	if err != nil {
		r.fail(key, "is no whole number")
	}
	return n
}

func (r *reader) int(key string, v Value) int64 {
	n, err := strconv.ParseInt(string(v), 10, 64)
	if err != nil {
		r.fail(key, "is no whole number")
	}
	return n
}

func (r *reader) strings(key string, v Value) []string {
	var list []string
	for item := range r.items(key, v) {
		list = append(list, r.string(key, item))
	}
	return list
}

func (r *reader) hash(key string, v Value, into *[16]byte) {
	text := v.text()
	if len(text) != 2*len(into) {
		r.fail(key, "is no hash")
		return
	}
	if _, err := hex.Decode(into[:], []byte(text)); err != nil {
		r.fail(key, "is no hash")
	}
}

// items yields the items of what must be an array.
func (r *reader) items(key string, v Value) iter.Seq[Value] {
	if v.Kind() != '[' {
		r.fail(key, "is no array")
	}
	return v.Elements()
}

func (r *reader) envelope(v Value, e *Entry) {
	for key, v := range v.Members() {
		switch key {
		case "type":
			e.Type = Type(r.string(key, v))
		case "id":
			e.ID = r.string(key, v)
		case "timestamp":
			at, err := time.Parse("2006-01-02T15:04:05.000Z", v.text())
			if err != nil {
				r.fail(key, "is no time")
			}
			e.Time = at
		case "payload":
			r.payload(v, e)
		}
	}
}

func (r *reader) payload(v Value, e *Entry) {
	for key, v := range v.Members() {
		switch key {
		case "dashboardId":
			e.DashboardID = r.string(key, v)
		case "epoch":
			e.Epoch = r.string(key, v)
		case "version":
			e.Version = r.uint(key, v)
		case "author":
			e.Author = r.author(v)
		case "change":
			change, err := ParseChange(v)
			if err != nil {
				r.fail(key, "is damaged: "+err.Error())
			}
			e.Change = change
		case "overwrote":
			e.Overwrote = r.overwrote(key, v)
		case "blind":
			e.Blind = v == "true"
		}
	}
}

func (r *reader) author(v Value) Author {
	var a Author
	for key, v := range v.Members() {
		switch key {
		case "userId":
			a.UserID = r.nullable(key, v)
		case "clientId":
			a.ClientID = r.nullable(key, v)
		}
	}
	return a
}

func (r *reader) overwrote(key string, v Value) []Overwrote {
	var list []Overwrote
	for item := range r.items(key, v) {
		var o Overwrote
		for key, v := range item.Members() {
			switch key {
			case "widgetId":
				o.WidgetID = r.string(key, v)
			case "path":
				o.Path = Pointer(r.string(key, v))
			case "author":
				o.Author = r.author(v)
			case "version":
				o.Version = r.uint(key, v)
			case "value":
				o.Value = v
			case "omitted":
				o.Omitted = v == "true"
			}
		}
		list = append(list, o)
	}
	return list
}

func (r *reader) results(key string, v Value) []Result {
	var list []Result
	for item := range r.items(key, v) {
		var one Result
		for key, v := range item.Members() {
			switch key {
			case "status":
				one.Status = r.string(key, v)
			case "code":
				one.Code = Code(r.string(key, v))
			case "message":
				one.Message = r.string(key, v)
			case "path":
				one.Path = r.string(key, v)
			case "conflict":
				one.Conflict = r.conflict(v)
			}
		}
		list = append(list, one)
	}
	return list
}

func (r *reader) conflict(v Value) *Conflict {
	c := &Conflict{}
	for key, v := range v.Members() {
		switch key {
		case "conflictId":
			c.ID = r.string(key, v)
		case "dashboardId":
			c.DashboardID = r.string(key, v)
		case "widgetId":
			c.WidgetID = r.string(key, v)
		case "kind":
			c.Kind = ConflictKind(r.string(key, v))
		case "version":
			c.Version = r.uint(key, v)
		case "fields":
			for item := range r.items(key, v) {
				c.Fields = append(c.Fields, r.field(item))
			}
		}
	}
	return c
}

func (r *reader) field(v Value) ConflictField {
	var f ConflictField
	for key, v := range v.Members() {
		switch key {
		case "path":
			f.Path = Pointer(r.string(key, v))
		case "base":
			f.Base = v
		case "mine":
			f.Mine = v
		case "theirs":
			f.Theirs = v
		case "theirsBy":
			f.TheirsBy = r.author(v)
		case "theirsVersion":
			f.TheirsVersion = r.uint(key, v)
		}
	}
	return f
}
