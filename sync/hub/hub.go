// Package hub is the central side: agents' messages come in from a broker, its own or one that runs already, are filed
// in the ledger, and acknowledged when durable. What the ledger holds goes out as a feed over HTTP. docs/wire.md and
// docs/openapi.yaml are its contracts.
package hub

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"path/filepath"
	"time"

	"golang.org/x/sync/errgroup"

	"lanewarden/drivers/message"
	"lanewarden/edge/api"
	"lanewarden/edge/evidence/sqlog"
	"lanewarden/edge/journal"
	"lanewarden/edge/journal/keyfile"
	"lanewarden/sync/hub/fleet"
	"lanewarden/sync/hub/hubjournal"
	"lanewarden/sync/hub/ledger"
	"lanewarden/sync/hub/notify"
	"lanewarden/sync/hub/orders"
	"lanewarden/sync/hub/orders/rollout"
	"lanewarden/sync/hub/views"
	"lanewarden/sync/wire"
)

// KeyFile is the name of the hub's signing key (keyfile.Open) in its directory.
const KeyFile = ledger.KeyFile

// journalDir is the folder of the hub's own journal in its directory.
const journalDir = "journal"

// Options describe a hub.
type Options struct {
	Dir      string // of ledger and embedded broker, and of the hub's key
	Software string // version of the program, for the metrics
	Log      *slog.Logger
	Pages    http.Handler // of the fleet console, for GET /; nil for none

	Ledger string // postgres:// URL of the ledger's database; "" for SQLite in Dir

	// Personal is how long personal data is kept, by the time of its row; 0 for as long as the ledger. It needs
	// ClockTrusted, which says whether this machine's clock is disciplined: one years ahead would have all erased.
	Personal     time.Duration
	ClockTrusted func() bool

	// OrdersDir is the folder of the repository of orders (package orders); "" for "orders" in Dir. The hubs of a cluster
	// share one, or each has a copy.
	OrdersDir string

	// The HTTP side: HTTP is its HOST:PORT, HTTPNames the host names under which it is reached beside addresses and
	// localhost, HTTPCert and HTTPKey its certificate chain and key (PEM files, "" for no TLS). HTTPTokens is the file
	// of package tokens that says who may use it, "" for everyone on this machine; HTTPClientCA (PEM) the authority of
	// client certificates that stand for holders of that file, "" for none.
	HTTP                                        string
	HTTPNames                                   []string
	HTTPCert, HTTPKey, HTTPTokens, HTTPClientCA string

	// HTTPAccounts is the file of package people with those who sign in on the pages, OIDC that of package signon about
	// a provider of identities; "" for none.
	HTTPAccounts, OIDC string

	// Notify is the file of package notify that says who outside is told of what; "" for nobody. Of the hubs of a
	// cluster one has it, or receivers are told by each.
	Notify string

	// The embedded broker: MQTT is its HOST:PORT, TLSCert and TLSKey its certificate chain and key (PEM files, "" for
	// no TLS), AgentsFile says who may connect (agentBook; "" for everyone on this machine), MQTTClientCA (PEM) is the
	// authority of agents' client certificates, "" for none.
	MQTT                                      string
	TLSCert, TLSKey, AgentsFile, MQTTClientCA string

	// JSON has alarms and events published on the broker as plain JSON (wire.JSONTopic), without plates and names, for
	// those of ReadersFile (openReaderBook), which the embedded broker needs unless everyone on this machine may. Not
	// with NATS.
	JSON        bool
	ReadersFile string

	// CADir is the folder of an authority (package authority) from which the hub issues certificates to agents, valid
	// for CertificateLife (0 for DefaultCertificateLife); "" issues none. It is then the authority of agents'
	// certificates, too, unless MQTTClientCA names another.
	CADir           string
	CertificateLife time.Duration

	External *wire.Broker // a broker that runs already, instead of the embedded one; nil for none

	NATS *NATS // servers on which several hubs share the agents, instead of the embedded broker; nil for none

	wrapSource func(source) source // for tests: between the broker and the hub; nil for nothing
}

// ordersDir is the folder of the repository of orders.
func (o *Options) ordersDir() string { return cmp.Or(o.OrdersDir, filepath.Join(o.Dir, orders.Dir)) }

// Run runs a hub until ctx ends, and returns nil then. Wrong settings, a ledger that cannot be
// opened and a port that is taken are errors at once; a full disk and a lost broker are waited out.
// One hub at a time may use Options.Dir; a second one is an error.
func Run(ctx context.Context, opts Options) (err error) {
	access, err := newAccess(&opts)
	if err != nil {
		return err
	}
	issuer, err := newIssuer(&opts)
	if err != nil {
		return err
	}
	if err := checkRules(opts.Notify); err != nil {
		return err
	}
	if err := sqlog.MakeDir(opts.Dir); err != nil {
		return err
	}
	unlock, err := journal.Lock(opts.Dir, "lanehub")
	if err != nil {
		return err
	}
	defer unlock()
	l, err := ledger.OpenWith(ctx, ledger.Options{Dir: opts.Dir, URL: opts.Ledger})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, l.Close()) }()
	own, err := hubjournal.Open(filepath.Join(opts.Dir, journalDir), opts.Log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, own.Close()) }()
	if access != nil {
		access.journal = own
	}
	codec, err := wire.NewCodec()
	if err != nil {
		return err
	}
	defer codec.Close()
	health, states := &health{}, newStates()
	key, err := keyfile.Open(filepath.Join(opts.Dir, KeyFile), wire.HubKeyName)
	if err != nil {
		return err
	}
	metrics, requests := newMetrics(l, states), make(chan decoded)
	broker, err := newSource(ctx, opts, health, metrics, key.Public)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, broker.close()) }()
	if opts.wrapSource != nil {
		broker = opts.wrapSource(broker)
	}

	inbox := newInbox(metrics.dropped)
	ordersDir := opts.ordersDir()
	var acts rollout.Journal
	if access != nil {
		acts = access.journal
	}
	repository, rolls := orders.At(ordersDir), rollout.NewKeeper(ordersDir, l, acts, opts.Log)
	runs := newBoxes()
	board, refused := fleet.New(time.Now()), make(chan struct{}, 1)
	asked := newOrderServer(repository, rolls, codec, broker, opts.Log)
	acks := &acks{
		codec: codec, source: broker, states: states, metrics: metrics, hubKey: key.Public, log: opts.Log, refused: refused,
	}
	asking := newRegions(codec, broker, states, acks, opts.Log)
	parts := parts{
		source: broker, inbox: inbox, orders: asked,
		decoder: &decoder{
			codec: codec, states: states, boxes: runs, hellos: newHelloGate(), acks: acks, metrics: metrics, log: opts.Log,
			issuer: issuer, renewals: newHelloGate(), orders: asked, board: board, regions: asking,
		},
		ingester: &ingester{
			dir: opts.Dir, ledger: l, inbox: inbox, requests: requests, acks: acks, health: health, metrics: metrics, log: opts.Log,
		},
		server: &httpServer{
			ledger: l, requests: requests, states: states, health: health, metrics: metrics,
			access: access, issuer: issuer, key: key, repository: repository, rolls: rolls, boxes: runs, board: board,
			reading: api.NewDrawing(maxReading), regions: asking,
			opts: opts,
		},
	}
	parts.server.views = views.New(l, parts.server.file, opts.Log)
	asked.views = parts.server.views
	metrics.registry.MustRegister(gauges{parts.server.views, board, opts.Dir, opts.Software})
	teller := &caseTeller{
		views: asked.views, repository: repository, codec: codec, source: broker, states: states, log: opts.Log,
	}
	parts.journal, parts.teller, asked.teller = own, teller, teller
	parts.server.cases = newCaseServer(asked.views, own, states, teller, access)
	outgoing := outgoing{parts.server.cases, parts.server.views}
	if opts.JSON {
		parts.json = &jsonFeed{l, broker, outgoing.shown, opts.Log}
	}
	if parts.outside, err = newTeller(l, &opts, outgoing.shown, metrics); err != nil {
		return err
	}
	parts.server.outside = parts.outside
	parts.fleet = &fleetKeeper{
		board: board, ledger: l, views: parts.server.views, derive: parts.server.derive, refused: refused,
		log: opts.Log,
	}
	return parts.run(ctx)
}

// checkRules returns what is wrong with the file of rules about who outside is told, before anything is begun.
func checkRules(file string) error {
	if file == "" {
		return nil
	}
	_, err := notify.Read(file)
	return err
}

// newTeller returns who tells those outside, nil without a file of rules.
func newTeller(l *ledger.Ledger, o *Options, shown notify.Shown, m *metrics) (*notify.Teller, error) {
	if o.Notify == "" {
		return nil, nil
	}
	t, err := notify.Open(o.Notify, l, notify.InDir(o.Dir), shown, o.Log)
	if err == nil {
		m.registry.MustRegister(t)
	}
	return t, err
}

// newSource returns the broker from which messages come. The caller closes it.
func newSource(ctx context.Context, opts Options, health *health, metrics *metrics, key string) (source, error) {
	if opts.NATS != nil {
		if opts.JSON {
			return nil, message.Errorf("hub.json-nats")
		}
		if opts.Ledger == "" {
			key += " of a ledger in " + opts.Dir + " alone" // no other hub can share it
		}
		c, err := newClustered(*opts.NATS, key, opts.Log, health, metrics.registry)
		if err != nil {
			return nil, err
		}
		c.issues = opts.CADir != ""
		return c, nil
	}
	if opts.External != nil {
		return newExternal(*opts.External, opts.Log)
	}
	return newEmbedded(ctx, opts, health)
}

// parts are the components of a hub. Messages go from the source through the decoder to the
// ingester, which commits them to the ledger; the server answers HTTP from the ledger. Each
// component has one goroutine, and bounded channels join them.
type parts struct {
	source   source
	inbox    *inbox
	decoder  *decoder
	ingester *ingester
	orders   *orderServer
	server   *httpServer
	journal  *hubjournal.Journal // the hub's own
	teller   *caseTeller
	fleet    *fleetKeeper
	outside  *notify.Teller
	json     *jsonFeed // nil unless events are published as JSON
}

// run runs all components until ctx ends or one of them fails, which ends the others.
func (p *parts) run(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	filing, stopFiling := context.WithCancel(context.WithoutCancel(ctx))
	decoded := newQueue()
	g.Go(func() error {
		defer stopFiling()
		err := p.deliver(ctx, g)
		p.drain(filing, decoded)
		return err
	})
	untilFiled := func(run func() error) {
		g.Go(func() error {
			if err := run(); filing.Err() == nil {
				return err
			}
			return nil // the source says why it ended
		})
	}
	untilFiled(func() error { return p.decoder.run(filing, p.inbox, decoded) })
	untilFiled(func() error { return p.ingester.run(filing, decoded) })
	g.Go(func() error { return p.server.run(ctx) })
	g.Go(func() error { return p.orders.run(ctx) })
	g.Go(func() error { return p.orders.keep(ctx) })
	g.Go(func() error { return p.orders.roll(ctx) })
	g.Go(func() error { return p.orders.commands(ctx) })
	g.Go(func() error { return p.server.keepPersonal(ctx) })
	g.Go(func() error { return p.server.views.Run(ctx) })
	g.Go(func() error { return p.journal.Run(ctx, p.server.applyAlone) })
	g.Go(func() error { return p.teller.run(ctx, p.journal.Identity().ID) })
	g.Go(func() error { return p.fleet.run(ctx) })
	g.Go(func() error { return p.outside.Run(ctx) })
	if p.json != nil {
		g.Go(func() error { return p.json.run(ctx) })
	}
	if a := p.server.access; a != nil {
		g.Go(func() error { return a.run(ctx) })
	}
	err := g.Wait()
	if errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}

// deliver runs the source, and has agents greeted: all of them now, or, in a cluster, those of each partition as this
// hub begins to serve it.
func (p *parts) deliver(ctx context.Context, g *errgroup.Group) error {
	c, ok := p.source.(*clustered)
	if !ok {
		if err := p.ingester.greet(func(ledger.Sender) bool { return true }); err != nil {
			return err
		}
		return p.source.run(ctx, p.inbox)
	}
	c.greet = func(serves func(ledger.Sender) bool) {
		g.Go(func() error {
			if err := p.ingester.greet(serves); err != nil { // agents find out by themselves, a little later
				c.log.Warn("agents were not greeted", "err", err)
			}
			return nil
		})
	}
	return p.source.run(ctx, p.inbox)
}

// drainTime bounds how long a hub that ends files what has come to it.
const drainTime = 2 * time.Second

// drain waits until what has come is filed, so that the agents of a hub of a cluster that ends in good order have their
// answers from it. Other hubs' brokers are gone by now: nobody would hear an answer.
func (p *parts) drain(ctx context.Context, q *queue) {
	if _, ok := p.source.(*clustered); !ok {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, drainTime)
	defer cancel()
	for !p.inbox.empty() && wire.Pause(ctx, 5*time.Millisecond) == nil {
	}
	q.drained(ctx)
}
