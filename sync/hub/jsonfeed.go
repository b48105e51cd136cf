package hub

import (
	"context"
	"encoding/json"
	"log/slog"
	"time"

	"lanewarden/drivers/observation"
	"lanewarden/sync/hub/hubapi"
	"lanewarden/sync/hub/ledger"
	"lanewarden/sync/hub/notify"
	"lanewarden/sync/wire"
)

// How events are published as JSON.
const (
	jsonPageRows = 100
	jsonPause    = 250 * time.Millisecond // between looks at the ledger
	mostJSON     = 256 << 10              // bytes of an event; larger ones are in the feed
)

// jsonFeed publishes alarms and events as plain JSON on the broker, for programs that subscribe. It begins with what comes,
// keeps nothing, and sends nothing again.
type jsonFeed struct {
	ledger *ledger.Ledger
	source source
	shown  notify.Shown // what may go out of an event
	log    *slog.Logger
}

// run publishes until ctx ends, and returns nil.
func (f *jsonFeed) run(ctx context.Context) error {
	after, _ := f.ledger.Durable()
	filter := ledger.Filter{Classes: []observation.Class{observation.Class_CLASS_ALARM, observation.Class_CLASS_EVENT}}
	told := false
	for ctx.Err() == nil {
		newest, changed := f.ledger.Durable()
		events, err := f.ledger.Events(after, jsonPageRows, filter)
		for i := range events {
			if err = f.publish(ctx, &events[i]); err != nil {
				break
			}
		}
		if err != nil && !told { // a broker that is away has no subscribers
			f.log.Warn("events are not published as JSON", "err", err)
		}
		told = err != nil
		if n := len(events); n > 0 {
			after = events[n-1].Seq
		}
		if len(events) == jsonPageRows {
			continue
		}
		after = max(after, newest)
		select {
		case <-changed:
			_ = wire.Pause(ctx, jsonPause) // an end of ctx ends the loop
		case <-ctx.Done():
		}
	}
	return nil
}

// publish publishes one event, without plates and names, and without what a second reader must not know yet.
func (f *jsonFeed) publish(ctx context.Context, event *ledger.Event) error {
	e, err := f.shown(ctx, event)
	if err != nil {
		return err
	}
	lane, err := f.ledger.LaneOf(e.Journal, e.Device)
	if err != nil {
		return err
	}
	shown := notify.WithoutNames(e, "")
	text, err := json.Marshal(hubapi.NewCloudEvent(&shown, f.ledger.Cursor(e.Seq), lane))
	if err != nil || len(text) > mostJSON {
		return err
	}
	return f.source.publish(wire.JSONTopic(e.Site, e.Agent, e.Class.Name(), e.Kind.Name()), text)
}
