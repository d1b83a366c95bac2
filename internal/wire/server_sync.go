package wire

import "github.com/dashwire/dashwire/board"

// sync reads a SYNC_RESPONSE. Layouts and widgets are taken as they stand: the
// server has checked them.
func (r *reader) sync(payload board.Value) *SyncPart {
	p := &SyncPart{Part: 1, Parts: 1}
	for key, v := range payload.Members() {
		switch key {
		case "dashboardId":
			p.DashboardID = r.text(key, v)
		case "epoch":
			p.Epoch = r.text(key, v)
		case "version":
			p.Version = r.uint(key, v)
		case "horizon":
			p.Horizon = r.uint(key, v)
		case "role":
			p.Role = r.text(key, v)
		case "mode":
			p.Mode = r.text(key, v)
		case "part":
			p.Part = r.int(key, v)
		case "parts":
			p.Parts = r.int(key, v)
		case "rewound":
			p.Rewound = v == "true"
		case "stale":
			p.Stale = v == "true"
		case "presence":
			p.Presence = r.states(key, v)
		case "count":
			p.Count = r.int(key, v)
		case "data":
			p.Data = r.values(v)
		case "entries":
			r.each(key, v, func(item board.Value) {
				e, err := board.ParseEnvelope(item)
				r.keep(err)
				p.Entries = append(p.Entries, e)
			})
		case "document":
			p.Document = r.document(v)
		}
	}
	switch {
	case p.Part < 1 || p.Part > p.Parts:
		r.fail("part", "is not among its parts")
	case p.Mode == ModeSnapshot && p.Part == 1 && p.Document == nil:
		r.fail("document", "is missing")
	}
	return p
}

// document reads a document or a part of one.
func (r *reader) document(v board.Value) *board.Document {
	d := &board.Document{Widgets: map[string]board.Value{}, Layouts: map[string]*board.Layout{}}
	for key, v := range v.Members() {
		switch key {
		case "settings":
			d.Settings = v
		case "widgets":
			for id, w := range v.Members() {
				d.Widgets[id] = w
			}
		case "layouts":
			for name, l := range v.Members() {
				layout, err := board.ParseLayout(l)
				r.refusal(err)
				d.Layouts[name] = layout
			}
		}
	}
	return d
}

func (r *reader) update(payload board.Value) *SyncUpdate {
	u := &SyncUpdate{}
	for key, v := range payload.Members() {
		switch key {
		case "dashboardId":
			u.DashboardID = r.text(key, v)
		case "epoch":
			u.Epoch = r.text(key, v)
		case "from":
			u.From = r.uint(key, v)
		case "version":
			u.To = r.uint(key, v)
		case "change":
			change, err := board.ParseChange(v)
			r.refusal(err)
			u.Change = change
		case "closed":
			u.Closed = r.text(key, v)
		case "role":
			u.Role = r.text(key, v)
		}
	}
	if u.Change == nil && u.Closed == "" && u.Role == "" {
		r.fail("change", "is missing")
	}
	return u
}

func (r *reader) presence(payload board.Value) *PresenceUpdate {
	p := &PresenceUpdate{}
	for key, v := range payload.Members() {
		switch key {
		case "dashboardId":
			p.DashboardID = r.text(key, v)
		case "joined":
			p.Joined = r.states(key, v)
		case "changed":
			p.Changed = r.states(key, v)
		case "left":
			p.Left = r.texts(key, v)
		case "count":
			p.Count = r.int(key, v)
		}
	}
	return p
}

func (r *reader) states(key string, v board.Value) []PresenceState {
	var list []PresenceState
	r.each(key, v, func(item board.Value) {
		var s PresenceState
		for key, v := range item.Members() {
			switch key {
			case "sessionId":
				s.SessionID = r.text(key, v)
			case "clientId":
				s.ClientID = r.text(key, v)
			case "userId":
				s.UserID = r.text(key, v)
			case "state":
				s.State = v
			}
		}
		list = append(list, s)
	})
	return list
}

// data reads WIDGET_DATA in both its forms.
func (r *reader) data(payload board.Value) *Data {
	d := &Data{}
	id, _ := payload.Get("/dashboardId")
	d.DashboardID = r.text("dashboardId", id)
	if values, ok := payload.Get("/values"); ok {
		d.Values = r.values(values)
		return d
	}
	widgetID, _ := payload.Get("/widgetId")
	d.Values = []DataValue{r.value(r.text("widgetId", widgetID), payload)}
	return d
}

func (r *reader) values(v board.Value) []DataValue {
	var list []DataValue
	for id, value := range v.Members() {
		list = append(list, r.value(id, value))
	}
	return list
}

func (r *reader) value(widgetID string, v board.Value) DataValue {
	d := DataValue{WidgetID: widgetID}
	for key, v := range v.Members() {
		switch key {
		case "data":
			d.Data = v
		case "mode":
			d.Append = v == `"append"`
		case "window":
			d.Window = r.int(key, v)
		}
	}
	return d
}
