package wire

import "github.com/dashwire/dashwire/board"

// together reads a SYNC_ENTRIES (R10): a type, time or author that an entry does not name
// is that of the one before.
func (r *reader) together(payload board.Value) []*board.Entry {
	id, _ := payload.Get("/dashboardId")
	epoch, _ := payload.Get("/epoch")
	items, _ := payload.Get("/entries")
	said := board.Entry{DashboardID: r.text("dashboardId", id), Epoch: r.text("epoch", epoch)}
	var list []*board.Entry
	r.each("entries", items, func(item board.Value) {
		e := r.entry(item, said)
		said.Type, said.Time, said.Author = e.Type, e.Time, e.Author
		if n := len(list); n > 0 && e.Version != list[n-1].Version+1 {
			r.fail("version", "does not follow on the one before")
		}
		list = append(list, &e)
	})
	if len(list) == 0 || list[0].Version == 0 {
		r.fail("entries", "is empty, or has no versions")
	}
	return list
}

// entry reads one of them; e is what is known of it before.
func (r *reader) entry(item board.Value, e board.Entry) board.Entry {
	if !item.IsObject() {
		r.fail("entries", "holds what is no object")
		return e
	}
	named := len(e.Type) > 0
	users, clients := named, named
	for key, v := range item.Members() {
		switch key {
		case "version":
			e.Version = r.uint(key, v)
		case "type":
			e.Type = board.Type(r.text(key, v))
		case "timestamp":
			e.Time = r.time(key, v)
		case "userId":
			e.Author.UserID, users = r.text(key, v), true
		case "clientId":
			e.Author.ClientID, clients = r.text(key, v), true
		case "id":
			e.ID = r.text(key, v)
		case "change":
			change, bad := board.ParseChange(v)
			r.refusal(bad)
			e.Change = change
		case "overwrote":
			list, err := board.ParseOverwrote(v)
			r.keep(err)
			e.Overwrote = list
		case "blind":
			e.Blind = v == "true"
		}
	}
	switch {
	case !isEntry(e.Type):
		r.fail("type", "is missing, or is none of an entry")
	case e.Time.IsZero() || !users || !clients:
		r.fail("entries", "begins with an entry that does not say all")
	case e.ID == "" || e.Change == nil:
		r.fail("entries", "has an entry that is not whole")
	}
	return e
}
