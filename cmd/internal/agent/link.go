package agent

import (
	"context"
	"errors"
	"log/slog"
	"path/filepath"
	"time"

	"lanewarden/drivers/driver"
	"lanewarden/drivers/message"
	"lanewarden/drivers/observation"
	"lanewarden/drivers/transport/wait"
	"lanewarden/edge/api"
	"lanewarden/edge/journal"
	"lanewarden/edge/lane"
	firmwareconfig "lanewarden/firmware-config"
	"lanewarden/sync/uplink"
	"lanewarden/sync/wire"
)

// link is the uplink, if one is configured.
type link struct {
	up           *uplink.Uplink
	paths        []uplink.Path
	contradicted chan message.Text // why the hub refuses the journal for good
}

// newLink returns the uplink of a configuration; without one, a link whose methods do nothing.
func newLink(c *firmwareconfig.Config, j *journal.Journal, health *health, keys *hubKeys, down orders, o Options) (
	link, error) {
	if c.Uplink == nil {
		return link{}, nil
	}
	paths, err := linkPaths(c.Uplink, trustedTime(lastKnown(j, o.Built, o.Log), time.Now))
	if err != nil {
		return link{}, err
	}
	contradicted := make(chan message.Text, 1)
	up, err := uplink.New(j, uplink.Options{
		Paths: paths, Hold: c.Uplink.ReturnAfter, UsageFile: filepath.Join(c.Agent.StateDir, "link-usage.json"),
		Inventory: c.Inventory(), Software: o.Software, TelemetryDelay: o.TelemetryDelay, Log: o.Log,
		HubKey: keys.add, Down: down.down(), Codec: down.codec,
		Contradicted: func(why message.Text) {
			select {
			case contradicted <- why:
			default: // it was told and not dealt with yet
			}
		},
		Trouble: func() []*wire.DeviceTrouble { return trouble(health.devices.Devices()) },
		Health:  func() *wire.Health { return health.now(time.Now()) },
	})
	return link{up, paths, contradicted}, err
}

// untilContradicted returns errContradicted when the hub refuses the journal for good and it is to be set aside, nil
// when ctx ends.
func (l link) untilContradicted(ctx context.Context, j *journal.Journal, log *slog.Logger) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case why := <-l.contradicted:
			again, err := j.SetAsideNext(why)
			if again && err == nil {
				return errContradicted
			}
			if err != nil { // the hub refuses again in a minute
				log.Error("the journal that the hub refuses cannot be set aside", "err", err)
			}
		}
	}
}

// trouble lists the devices that do not run, as the centre is told of them. One in maintenance is no trouble.
func trouble(devices []lane.Status) (out []*wire.DeviceTrouble) {
	for _, d := range devices {
		if d.State != lane.Running && d.State != lane.InMaintenance {
			out = append(out, &wire.DeviceTrouble{
				Device: d.ID, State: d.State, Reason: d.Reason, ReasonFr: d.Message.FR, SinceNs: d.Since.UnixNano(),
			})
		}
	}
	return out
}

// Broker returns the centre's broker as the configuration has it.
func Broker(u *firmwareconfig.Uplink) wire.Broker {
	return wire.Broker{
		URL: u.Broker, Username: u.Username, PasswordFile: u.PasswordFile,
		CAFile: u.CAFile, CertFile: u.CertFile, KeyFile: u.KeyFile, KeepAlive: u.KeepAlive,
	}
}

// linkPaths returns the ways to the centre in order of preference. now is the time by which certificates are judged.
func linkPaths(u *firmwareconfig.Uplink, now func() time.Time) (paths []uplink.Path, err error) {
	for _, p := range u.AllPaths() {
		b := Broker(u)
		b.URL, b.Interface, b.Now = p.Broker, p.Interface, now
		path := uplink.Path{ID: p.ID, Broker: b, MonthlyBytes: p.MonthlyBytes}
		if path.Artifacts, err = firmwareconfig.ParseHours(p.Artifacts); err != nil {
			return nil, err
		}
		if path.Telemetry, err = firmwareconfig.ParseHours(p.Telemetry); err != nil {
			return nil, err
		}
		paths = append(paths, path)
	}
	return paths, nil
}

// run connects and sends until ctx ends. Without an uplink it only waits, so that it does not end
// the agent.
func (l link) run(ctx context.Context) error {
	if l.up == nil {
		<-ctx.Done()
		return nil
	}
	return l.up.Run(ctx)
}

// sendAsides sends to the hub what could be read of journals that were set aside, one after the other, and journals
// when that is done. It returns nil: what cannot be sent stays for a person to look at.
func (l link) sendAsides(ctx context.Context, c *firmwareconfig.Config, j *journal.Journal, o Options) error {
	asides, err := journal.Asides(journalDir(c))
	if err != nil {
		o.Log.Error("journals that were set aside are not sent to the hub", "err", err)
	}
	if l.up == nil {
		return nil
	}
	for _, aside := range asides {
		for ctx.Err() == nil {
			err := l.sendAside(ctx, c, j, aside, o)
			if err == nil || ctx.Err() != nil {
				break
			}
			o.Log.Error("a journal that was set aside is not sent to the hub", "folder", aside, "err", err)
			if errors.Is(err, journal.ErrDamaged) { // nothing of it can be read
				break
			}
			_ = wait.For(ctx, asideRetry) // an end of ctx ends the loop
		}
	}
	return nil
}

// asideRetry is the pause after a journal that was set aside could not be read or sent, for want of disk mostly.
const asideRetry = 10 * time.Minute

// sendAside sends one, journals that the hub has it, and only then notes that it is done: an agent that is stopped before
// that sends nothing again, but says it after its next start.
func (l link) sendAside(ctx context.Context, c *firmwareconfig.Config, j *journal.Journal, aside string, o Options) (err error) {
	s, err := journal.OpenSalvaged(ctx, journalDir(c), aside, journal.Options{Site: c.Site.ID, Agent: c.Agent.ID})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	up, err := uplink.New(s.Journal, uplink.Options{
		Paths: l.paths, Inventory: c.Inventory(), Software: o.Software, Beside: l.up, Fork: s.Fork,
		Log: o.Log.With("folder", aside),
	})
	if err != nil {
		return err
	}
	done, err := up.Drain(ctx)
	if err != nil || !done {
		return err
	}
	if err := j.Adopt(ctx, s); err != nil {
		return err
	}
	var conditions driver.Conditions
	condition, text := "journal-salvaged", message.New("condition.journal-salvaged", message.Count("n", s.Rows),
		message.Int("lost", s.Lost), message.String("folder", aside))
	if s.Fork {
		condition, text = "journal-sent", message.New("condition.journal-sent", message.String("folder", aside))
	}
	said := conditions.Set(time.Now(), condition, "", true, text)
	for _, o := range said {
		o.Device = observation.AgentDevice
	}
	if err := errors.Join(journalLater(ctx, j, said, o.Log), ctx.Err()); err != nil {
		return err // perhaps it is not said
	}
	return s.Sent()
}

// flushTime bounds how long a stopping agent waits for the hub. What is left is sent after the next
// start.
const flushTime = 2 * time.Second

// flush sends what is still waiting, for flushTime at most.
func (l link) flush(ctx context.Context) {
	if l.up != nil {
		ctx, cancel := context.WithTimeout(ctx, flushTime)
		defer cancel()
		l.up.Flush(ctx)
	}
}

// status returns the state of the link, also where none is configured.
func (l link) status() api.Link {
	if l.up == nil {
		var none api.Link
		none.SetProblem(message.New("link.none"))
		return none
	}
	return l.up.Status()
}
