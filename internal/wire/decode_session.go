package wire

import (
	"strconv"
	"strings"

	"github.com/dashwire/dashwire/board"
)

// connect reads a client's CONNECT; every field may be missing.
func (d *decoder) connect(payload board.Value) (*Connect, *board.Error) {
	var c Connect
	var err *board.Error
	for key, value := range payload.Members() {
		if !given(value) {
			continue
		}
		switch key {
		case "clientId":
			c.ClientID, err = d.id(key, "client", value)
		case "token":
			c.Token, err = d.text(key, value)
		case "heartbeat":
			c.AppHeartbeat = value == `"app"`
		case "entries":
			c.Together = value == `"together"`
		}
		if err != nil {
			return nil, err
		}
	}
	return &c, nil
}

func (d *decoder) syncRequest(payload board.Value) (*SyncRequest, *board.Error) {
	var dashboardID, since, unsubscribe board.Value
	for key, value := range payload.Members() {
		switch key {
		case "dashboardId":
			dashboardID = value
		case "since":
			since = value
		case "unsubscribe":
			unsubscribe = value
		}
	}
	var s SyncRequest
	var err *board.Error
	if s.DashboardID, err = d.id("dashboardId", "dashboard", dashboardID); err != nil {
		return nil, err
	}
	if s.Unsubscribe, err = d.flag("unsubscribe", unsubscribe); err != nil {
		return nil, err
	}
	if given(since) {
		if s.Since, err = d.since("since", since); err != nil {
			return nil, err
		}
	}
	return &s, nil
}

// since reads {epoch, version}; both must be there.
func (d *decoder) since(name string, v board.Value) (*Since, *board.Error) {
	if !v.IsObject() {
		return nil, d.refuse(name, board.CodeBadVersion, "%s is {epoch, version}: send both, or leave it out", name)
	}
	epoch, _ := v.Get("/epoch")
	version, _ := v.Get("/version")
	inner := decoder{at: d.field(name), limits: d.limits}
	var s Since
	var err *board.Error
	if s.Epoch, err = inner.epochIn("epoch", epoch); err != nil {
		return nil, err
	}
	s.Epoch = strings.Clone(s.Epoch)
	if s.Version, err = inner.version("version", version); err != nil {
		return nil, err
	}
	return &s, nil
}

func (d *decoder) presence(payload board.Value) (*Presence, *board.Error) {
	dashboardID, _ := payload.Get("/dashboardId")
	state, ok := payload.Get("/state")
	var p Presence
	var err *board.Error
	if p.DashboardID, err = d.id("dashboardId", "dashboard", dashboardID); err != nil {
		return nil, err
	}
	switch {
	case !ok:
		return nil, d.refuse("state", board.CodeInvalidValue, "state is missing: send any JSON value, null to clear it")
	case len(state) > MaxStateBytes:
		return nil, d.refuse("state", board.CodeTooLarge, "the state has %d bytes and may have %d: send less", len(state), MaxStateBytes).Over(board.LimitStateBytes)
	}
	if err := d.stored("state", state, 0); err != nil {
		return nil, err
	}
	p.State = board.Value(strings.Clone(string(state)))
	return &p, nil
}

// data reads WIDGET_DATA in both its forms.
func (d *decoder) data(payload board.Value) (*Data, *board.Error) {
	var dashboardID, widgetID, values board.Value
	for key, value := range payload.Members() {
		switch key {
		case "dashboardId":
			dashboardID = value
		case "widgetId":
			widgetID = value
		case "values":
			values = value
		}
	}
	var data Data
	var err *board.Error
	if data.DashboardID, err = d.id("dashboardId", "dashboard", dashboardID); err != nil {
		return nil, err
	}
	if !given(values) {
		id, err := d.id("widgetId", "widget", widgetID)
		if err != nil {
			return nil, err
		}
		v, err := d.dataValue(id, payload)
		if err != nil {
			return nil, err
		}
		data.Values = []DataValue{v}
		return &data, nil
	}
	if !values.IsObject() {
		return nil, d.refuse("values", board.CodeInvalidValue, "values is an object from widget id to {data, mode}: send one")
	}
	for id, value := range values.Members() {
		if err := board.CheckID("widget", id); err != nil {
			return nil, err.At(d.field("values"))
		}
		inner := decoder{at: d.field("values") + "." + id, limits: d.limits}
		v, err := inner.dataValue(strings.Clone(id), value)
		if err != nil {
			return nil, err
		}
		data.Values = append(data.Values, v)
	}
	return &data, nil
}

// dataValue reads {data, mode, window?}. The value is copied: it outlives the message.
func (d *decoder) dataValue(widgetID string, v board.Value) (DataValue, *board.Error) {
	value := DataValue{WidgetID: widgetID}
	var data, mode, window board.Value
	for key, member := range v.Members() {
		switch key {
		case "data":
			data = member
		case "mode":
			mode = member
		case "window":
			window = member
		}
	}
	switch mode {
	case `"append"`:
		value.Append = true
	case `"replace"`, "", "null":
	default:
		return value, d.refuse("mode", board.CodeInvalidValue, "mode is replace or append: send one of them")
	}
	switch {
	case data == "":
		return value, d.refuse("data", board.CodeInvalidValue, "data is missing: send a JSON value, for append an array of points")
	case value.Append && data.Kind() != '[':
		return value, d.refuse("data", board.CodeInvalidValue, "data to append is an array of points: send one")
	case len(data) > MaxDataBytes:
		return value, d.refuse("data", board.CodeTooLarge, "the value has %d bytes and may have %d: send less", len(data), MaxDataBytes).Over(board.LimitValueBytes)
	}
	if given(window) {
		n, err := strconv.Atoi(string(window))
		if err != nil || n < 1 {
			return value, d.refuse("window", board.CodeInvalidValue, "window is the number of points to keep, from 1 to %d: send a whole number", MaxPoints)
		}
		value.Window = min(n, MaxPoints)
	}
	if err := d.stored("data", data, 0); err != nil {
		return value, err
	}
	value.Data = board.Value(strings.Clone(string(data)))
	return value, nil
}
