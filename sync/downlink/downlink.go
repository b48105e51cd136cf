// Package downlink takes what the centre publishes for lanes: lists, configuration, firmware. Signed metadata and
// files of a repository (The Update Framework) go in, over the link or from a folder; files that two persons at the
// centre have signed, or whose list's key has, come out to those who use them. docs/orders.md tells the rules.
package downlink

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"filippo.io/age"

	"lanewarden/drivers/driver"
	"lanewarden/drivers/message"
	"lanewarden/drivers/observation"
	"lanewarden/edge/api"
	"lanewarden/edge/api/linefile"
	"lanewarden/edge/evidence/sqlog"
	"lanewarden/sync/wire"
)

// Consumer uses targets of one kind.
type Consumer interface {
	// Prefix is what the paths of its targets begin with: "lists/".
	Prefix() string
	// Choose returns which of the targets that are published is to be taken into use next; false for none. It is
	// asked after each look, and again after each target that it has taken: so that of a list in version 7 the
	// changes to 8 are chosen, and then those to 9, or the whole list where that is smaller.
	Choose(published []Target) (Target, bool)
	// Apply takes a target into use. file is its content, whole and checked; it may be removed later. After a crash
	// in the middle the same target is chosen and applied again.
	Apply(ctx context.Context, t Target, file string) error
}

// Withholder is a Consumer of targets that the centre may hold back from a lane although they are published, such as
// configuration that a few lanes try first. Withheld says that the centre did not give a target: another may be chosen.
type Withholder interface {
	Consumer
	Withheld(t Target)
}

// Journal is where outcomes are kept.
type Journal interface {
	Commit(ctx context.Context, obs ...*observation.Observation) (added int, err error)
}

// Options describe what comes down to one lane. Dir, Site, Agent, ClockTrusted, Journal, Codec and Log are required.
type Options struct {
	Dir         string // of its own; made where it is missing
	Site, Agent string
	// Root is the root of trust that the lane was given (root.json of TUF); nil when it was given none: nothing is
	// taken then. It is never taken from whoever offers it first.
	Root         []byte
	Built        time.Time     // when the program was built: no time before is believed
	ClockTrusted func() bool   // whether the machine's clock is disciplined
	StaleAfter   time.Duration // age of the centre's newest statement from which people are told; default 7 days
	DiskBytes    int64         // most that target files take; default 2 GiB
	Consumers    []Consumer
	Journal      Journal
	Codec        *wire.Codec
	Log          *slog.Logger

	now  func() time.Time  // for tests: the machine's clock
	stop func(step string) // for tests: called at each step that a crash may fall on
	poll time.Duration     // for tests
}

const (
	defaultStale = 7 * 24 * time.Hour
	defaultDisk  = 2 << 30
	// pollEvery is how often is looked over the link without news. The centre tells when it publishes; this is for
	// news that got lost.
	pollEvery = 10 * time.Minute
	// pollAfter is the pause after a look that failed. With the refusals that it brings it bounds what a hostile
	// centre can have journalled.
	pollAfter = time.Minute
	// maxApplied bounds how many targets one look takes into use.
	maxApplied = 1000
)

// The files in Options.Dir.
const (
	setFile      = "trusted.json"  // signed metadata in force
	clockFile    = "time.json"     // the latest time that was surely reached
	pendingFile  = "applying.json" // targets that are being taken into use and are not journalled yet
	keyFile      = "agent.age"     // to which secrets are encrypted
	reportedFile = "reported.json" // what was journalled last, so that a restart does not journal it again
)

// Service keeps what comes down. Run looks over the link; Import looks into a folder.
type Service struct {
	o     Options
	link  *Link
	clock *trustedClock
	store *store
	key   *age.X25519Identity

	looking    sync.Mutex // held while one look is on its way
	set        set        // under looking, as are the next ones
	reported   reported
	conditions driver.Conditions

	mu      sync.Mutex
	status  api.Orders
	abandon context.CancelFunc // ends the look over the link; nil while there is none
}

// New opens what is kept in the folder.
func New(o Options) (*Service, error) {
	if o.StaleAfter == 0 {
		o.StaleAfter = defaultStale
	}
	if o.DiskBytes == 0 {
		o.DiskBytes = defaultDisk
	}
	if o.now == nil {
		o.now = time.Now
	}
	if o.stop == nil {
		o.stop = func(string) {}
	}
	if o.poll == 0 {
		o.poll = pollEvery
	}
	if err := sqlog.MakeDir(o.Dir); err != nil {
		return nil, err
	}
	s := &Service{o: o, link: newLink(o.Codec, o.Log)}
	var err error
	if s.key, err = openKey(filepath.Join(o.Dir, keyFile)); err != nil {
		return nil, err
	}
	if s.store, err = openStore(o.Dir, o.DiskBytes); err != nil {
		return nil, err
	}
	s.clock = newTrustedClock(filepath.Join(o.Dir, clockFile), o.Built, o.ClockTrusted, o.now)
	if o.Root == nil {
		s.status.SetProblem(message.New("orders.no-root"))
		return s, nil
	}
	if _, err := rootVersion(o.Root); err != nil {
		return nil, message.Wrap(err, "orders.root")
	}
	if s.set, err = readSet(filepath.Join(o.Dir, setFile), o.Root); err != nil {
		return nil, err
	}
	if text, err := os.ReadFile(filepath.Join(o.Dir, reportedFile)); err == nil {
		_ = json.Unmarshal(text, &s.reported) // one that is damaged costs a row that is there already
	}
	s.showKept()
	return s, nil
}

// openKey reads the agent's key for secrets, or makes one.
func openKey(path string) (*age.X25519Identity, error) {
	text, err := os.ReadFile(path)
	if err == nil {
		return age.ParseX25519Identity(strings.TrimSpace(string(text)))
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	key, err := age.GenerateX25519Identity()
	if err != nil {
		return nil, err
	}
	return key, linefile.Replace(path, []byte(key.String()+"\n"), 0o600)
}

// Link returns the end that the uplink's connection is given to.
func (s *Service) Link() *Link { return s.link }

// Now returns the trusted time, UTC: it is never before a time that was reached.
func (s *Service) Now() time.Time { return s.clock.Now() }

// Identity returns the key to which secrets for this agent are encrypted.
func (s *Service) Identity() *age.X25519Identity { return s.key }

// Run looks over the link when it comes up, when the centre tells of news, and now and then, until ctx ends. It
// returns nil.
func (s *Service) Run(ctx context.Context) error {
	s.reportInterrupted(ctx)
	for {
		wait := s.o.poll
		if s.o.Root != nil && s.link.connected() {
			err := s.lookOverLink(ctx)
			if refusalOf(err) != "" && pause(ctx, min(pollAfter, s.o.poll), nil) != nil {
				return nil // else a hostile centre that tells of news all the time would fill the journal
			}
			if err != nil {
				wait = min(pollAfter, s.o.poll)
			}
		}
		s.noteTime(time.Time{}, "")
		s.noteStale(ctx)
		if pause(ctx, wait, s.link.news) != nil {
			return nil
		}
	}
}

// pause waits for a time, for news, or until ctx ends, and returns ctx's error.
func pause(ctx context.Context, d time.Duration, news <-chan struct{}) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	case <-news:
	}
	return ctx.Err()
}

// lookOverLink looks once over the link. An import takes the place of one that is on its way.
func (s *Service) lookOverLink(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	s.mu.Lock()
	s.abandon = cancel
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		s.abandon = nil
		s.mu.Unlock()
	}()
	_, err := s.look(ctx, s.link, observation.OrdersChecked_WAY_LINK)
	if err != nil && refusalOf(err) == "" && ctx.Err() == nil {
		s.o.Log.Info("orders were not looked for to the end", "reason", err)
	}
	return err
}

// Import looks into a folder, and returns which targets were taken into use from it.
func (s *Service) Import(ctx context.Context, dir string) ([]Target, error) {
	if s.o.Root == nil {
		return nil, message.Errorf("orders.no-root")
	}
	s.mu.Lock()
	if s.abandon != nil {
		s.abandon()
	}
	s.mu.Unlock()
	return s.look(ctx, folder(dir), observation.OrdersChecked_WAY_FOLDER)
}

// look is one look: metadata first, then the targets that consumers choose. What came of it is journalled when it is
// news.
func (s *Service) look(ctx context.Context, f Fetcher, way observation.OrdersChecked_Way) (taken []Target, err error) {
	s.looking.Lock()
	defer s.looking.Unlock()
	next, is, err := refresh(ctx, f, s.o.Site, s.set, s.timeFor)
	s.o.stop("checked")
	if keepErr := s.keep(next); keepErr != nil {
		return nil, errors.Join(err, keepErr)
	}
	if err == nil {
		s.noteTime(is.issued, is.signers)
		s.showInForce(is)
		taken, err = s.apply(ctx, f, is.targets)
	}
	if ctx.Err() != nil {
		err = ctx.Err()
	}
	s.show(way, err)
	return taken, errors.Join(err, s.report(ctx, way, is, taken, err))
}

// noteTime keeps the trusted time, and moves it on to when the centre signed.
func (s *Service) noteTime(issued time.Time, signers string) {
	if err := s.clock.note(issued, signers); err != nil {
		s.o.Log.Warn("the trusted time is not kept", "err", err)
	}
}

// timeFor returns the trusted time where these keys sign for the centre: what others have signed does not count any
// more.
func (s *Service) timeFor(signers string) time.Time {
	s.noteTime(time.Time{}, signers)
	return s.clock.Now()
}

// keep writes the set when it is another one.
func (s *Service) keep(next set) error {
	if same(next, s.set) {
		return nil
	}
	if err := next.write(filepath.Join(s.o.Dir, setFile)); err != nil {
		return err
	}
	s.o.stop("kept")
	s.set = next
	return nil
}

func same(a, b set) bool {
	return bytes.Equal(a.Root, b.Root) && bytes.Equal(a.Timestamp, b.Timestamp) && bytes.Equal(a.Snapshot, b.Snapshot)
}

// apply has each consumer take what it chooses. One that fails does not hold up the others; what is temporary ends the
// look.
func (s *Service) apply(ctx context.Context, f Fetcher, all []Target) (taken []Target, err error) {
	for _, consumer := range s.o.Consumers {
		var its []Target
		for _, t := range all {
			if strings.HasPrefix(t.Path, consumer.Prefix()) {
				its = append(its, t)
			}
		}
		for range maxApplied {
			t, any := consumer.Choose(its)
			if !any {
				break
			}
			one := s.applyOne(ctx, f, consumer, t)
			if w, may := consumer.(Withholder); may && errors.Is(one, ErrMissing) {
				w.Withheld(t)
				continue
			}
			if one != nil {
				err = errors.Join(err, one)
				break
			}
			taken = append(taken, t)
		}
	}
	return taken, err
}

// applyOne fetches one target and takes it into use. That it is being done is kept before, so that a crash between
// its use and its row is found out.
func (s *Service) applyOne(ctx context.Context, f Fetcher, consumer Consumer, t Target) error {
	file, err := s.store.get(ctx, f, t, func(bytes int64) { s.showProgress(t, bytes) })
	s.o.stop("fetched")
	if err != nil {
		return err
	}
	if err := s.addPending(t); err != nil {
		return err
	}
	s.o.stop("pending")
	if err := consumer.Apply(ctx, t, file); err != nil {
		return message.Wrap(err, "orders.apply", message.String("file", t.Path))
	}
	s.o.stop("applied")
	return nil
}

// Look looks once by a fetcher of the caller's, as Import does into a folder.
func (s *Service) Look(ctx context.Context, f Fetcher) ([]Target, error) {
	return s.look(ctx, f, observation.OrdersChecked_WAY_FOLDER)
}
