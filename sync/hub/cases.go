package hub

import (
	"bytes"
	"cmp"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
	"google.golang.org/protobuf/proto"

	"lanewarden/drivers/message"
	"lanewarden/drivers/observation"
	"lanewarden/edge/api"
	"lanewarden/edge/cases"
	"lanewarden/edge/cases/photo"
	"lanewarden/sync/hub/casedesk"
	"lanewarden/sync/hub/hubapi"
	"lanewarden/sync/hub/hubjournal"
	"lanewarden/sync/hub/ledger"
	"lanewarden/sync/hub/people"
	"lanewarden/sync/hub/views"
	"lanewarden/sync/wire"
)

// caseServer answers what is asked about cases, and does what people at the centre do in them.
type caseServer struct {
	views    *views.Views
	desk     *casedesk.Desk
	own      casedesk.Journal
	states   *states
	teller   *caseTeller
	access   *access // nil: everyone may
	files    photoJournal
	photos   chan struct{} // a place for each in memory
	vehicles *lru.Cache[views.CaseKey, caseVehicle]

	mu      sync.Mutex // guards the version that was read last, and when
	last    string
	lastErr error
	read    time.Time
}

// caseVehicle is what a list shows of a case's vehicle.
type caseVehicle struct {
	name, outcome, preview string
	at                     time.Time
}

// Bounds of what is remembered of vehicles: lists are asked for each second.
const (
	keptVehicles   = 4096
	keptVehicleFor = 3 * time.Second
)

// ownJournal is the hub's own journal.
type ownJournal interface {
	casedesk.Journal
	photoJournal
}

// newCaseServer returns what answers about cases.
func newCaseServer(v *views.Views, own ownJournal, states *states, teller *caseTeller, a *access) *caseServer {
	cache, err := lru.New[views.CaseKey, caseVehicle](keptVehicles)
	if err != nil {
		panic(err) // the size is above
	}
	return &caseServer{
		views: v, desk: casedesk.New(own, v), own: own, states: states, teller: teller, access: a, vehicles: cache,
		files: own, photos: make(chan struct{}, photosAtOnce),
	}
}

// versionEvery bounds how often the version is read, however many wait for another one.
const versionEvery = 100 * time.Millisecond

// version names the state of all cases. It is as old as versionEvery.
func (s *caseServer) version() (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if now := time.Now(); now.Sub(s.read) >= versionEvery {
		seq, err := s.views.CasesVersion()
		s.last, s.lastErr, s.read = fmt.Sprintf("%d-%d", seq, s.own.Size()), err, now
	}
	return s.last, s.lastErr
}

// await returns the version as soon as it is not since, or after a time.
func (s *caseServer) await(ctx context.Context, since string, longest time.Duration) (version string, err error) {
	for until := time.Now().Add(longest); ; {
		if version, err = s.version(); err != nil || version != since || !time.Now().Before(until) {
			return version, err
		}
		if err := wire.Pause(ctx, versionEvery); err != nil {
			return version, err
		}
	}
}

// list serves hubapi.GetCases. Who looks at the list sees plates and pictures.
func (s *caseServer) list(c *api.Call, in hubapi.CasesQuery) (out hubapi.CasePage, err error) {
	out.Cases = []hubapi.CaseRecord{}
	if out.Version, err = s.await(c.Context(), in.Since, in.Wait); err != nil {
		return out, err
	}
	if out.Partial, err = partial(s.views); err != nil {
		return out, err
	}
	if out.Unchanged = out.Version == in.Since; out.Unchanged {
		return out, nil
	}
	search := views.CaseSearch{
		Site: in.Site, Agent: in.Agent, Sites: c.User.Sites, Open: in.State != "all", From: in.From, To: in.To,
	}
	if search.After, err = parseCasePlace(in.After); err != nil {
		return out, err
	}
	found, err := s.views.Cases(search, in.Limit)
	if err != nil {
		return out, err
	}
	s.access.noteLook(c, message.New("look.cases"))
	now := time.Now()
	for i := range found {
		one, err := s.record(c.User, found[i].CaseKey, now, false)
		if err != nil {
			return out, err
		}
		if one != nil && (!search.Open || one.Case.Open) { // settled a moment ago
			out.Cases = append(out.Cases, *one)
		}
	}
	if len(found) == in.Limit && !search.Open {
		last := &found[len(found)-1]
		out.Next = fmt.Sprintf("%d-%s", last.OpenedNs, last.ID)
	}
	return out, nil
}

// parseCasePlace reads next of a page. What does not parse is the caller's error, 400.
func parseCasePlace(text string) (p views.CasePlace, err error) {
	if text == "" {
		return p, nil
	}
	at, id, ok := strings.Cut(text, "-")
	if _, err := fmt.Sscanf(at, "%d", &p.At); err != nil || !ok || p.At < 0 {
		return p, api.NewProblem(api.BadRequest, message.New("api.no-place", message.Quoted("after", text)))
	}
	p.ID = id
	return p, nil
}

// record returns a case as a user is to see it; nil when there is none.
func (s *caseServer) record(u api.User, k views.CaseKey, now time.Time, history bool) (*hubapi.CaseRecord, error) {
	one, err := s.desk.Case(k)
	if err != nil || one == nil {
		return nil, err
	}
	said, _ := s.states.latest(k.Site, k.Agent)
	out := &hubapi.CaseRecord{
		Site: k.Site, Agent: k.Agent, Online: said.State.GetOnline(), Case: api.CaseOf(one, s.reader(u), now, history),
	}
	v, err := s.vehicle(k, now)
	if err != nil {
		return nil, err
	}
	out.Vehicle, out.Outcome, out.Preview = v.name, v.outcome, v.preview
	if slices.ContainsFunc(one.History, func(e cases.Entry) bool { return e.Act.GetCentre() }) {
		out.Lane, err = s.told(k, out.Online)
	}
	return out, err
}

// told says whether the lane has heard what was said here.
func (s *caseServer) told(k views.CaseKey, online bool) (*hubapi.LaneTold, error) {
	waits, err := s.views.CaseWaits(k)
	if err != nil {
		return nil, err
	}
	fresh, err := s.desk.Waiting(k)
	if err != nil {
		return nil, err
	}
	state, code, cannot := "waits", "cases.lane.waits", s.teller.cannot()
	switch {
	case waits == 0 && fresh == 0:
		state, code = "told", "cases.lane.told"
	case cannot != "":
		state, code = "no-key", cannot
	case !online:
		code = "cases.lane.offline"
	}
	return &hubapi.LaneTold{State: state, Text: message.Message{Code: code}.Text()}, nil
}

// vehicle returns what is known of a case's vehicle, as of some seconds ago.
func (s *caseServer) vehicle(k views.CaseKey, now time.Time) (caseVehicle, error) {
	if v, ok := s.vehicles.Get(k); ok && now.Sub(v.at) < keptVehicleFor {
		return v, nil
	}
	v := caseVehicle{at: now}
	f, preview, err := s.views.Vehicle(k.Sender, k.ID)
	switch {
	case errors.Is(err, views.ErrNone):
	case err != nil:
		return v, err
	default:
		v.outcome, v.preview = f.Outcome, hex.EncodeToString(preview)
		if v.name = f.Document.Plate; v.name == "" && len(f.Document.Containers) > 0 {
			v.name = f.Document.Containers[0]
		}
	}
	s.vehicles.Add(k, v)
	return v, nil
}

// one serves hubapi.GetCase.
func (s *caseServer) one(c *api.Call, in hubapi.CaseName) (out hubapi.CaseRecord, err error) {
	k := caseKey(in)
	found, err := s.record(c.User, k, time.Now(), true)
	if err != nil {
		return out, err
	}
	if found == nil {
		return out, noCase(k)
	}
	s.access.noteLook(c, message.New("look.case", message.String("case", in.Site+" / "+in.Agent+" / "+in.ID)))
	return *found, nil
}

func caseKey(in hubapi.CaseName) views.CaseKey {
	k := views.CaseKey{ID: in.ID}
	k.Site, k.Agent = in.Site, in.Agent
	return k
}

func noCase(k views.CaseKey) error {
	return api.NewProblem(api.NotFound, message.New("cases.none", message.Quoted("id", k.ID)))
}

// csvPage is how many cases are read at once for a file.
const csvPage = 500

// file serves hubapi.GetCasesCSV.
func (s *caseServer) file(w http.ResponseWriter, c *api.Call, in hubapi.CasesFile) error {
	search, reads := views.CaseSearch{Site: in.Site, Sites: c.User.Sites, From: in.From, To: in.To}, s.reader(c.User)
	found, err := s.views.Cases(search, csvPage)
	if err != nil {
		return err // before anything is sent
	}
	behind, err := partial(s.views)
	if err != nil {
		return err
	}
	asCSV(w, "cases", behind)
	out, err := cases.NewCSV(w, "", "")
	for err == nil && len(found) > 0 && c.Context().Err() == nil {
		for i := range found {
			one, err := s.desk.Case(found[i].CaseKey)
			if err != nil {
				return err
			}
			if one == nil {
				continue
			}
			out.Site, out.Agent = found[i].Site, found[i].Agent
			if err := out.Write(one.Shown(reads)); err != nil {
				return err
			}
		}
		last := &found[len(found)-1]
		search.After = views.CasePlace{At: last.OpenedNs, ID: last.ID}
		found, err = s.views.Cases(search, csvPage)
	}
	return errors.Join(err, out.Flush())
}

// actTime bounds how long somebody waits for what they do.
const actTime = 10 * time.Second

// act checks hubapi.PostCaseEvent. Persons speak for themselves. Notes and reasons are no part of the audit row: they
// stand in their own, where they can be erased.
func (s *caseServer) act(c *api.Call, in hubapi.CaseAct) (act api.Act[hubapi.CaseRecord], err error) {
	by, roles := s.who(c.User, in.By)
	if by == "" {
		return act, api.NewProblem(api.BadRequest, message.New("cases.no-name"))
	}
	in.CaseAct.ID = in.ID
	event, err := in.Event(by, "", true)
	if err != nil {
		return act, err
	}
	k := caseKey(hubapi.CaseName{Site: in.Site, Agent: in.Agent, ID: in.ID})
	switch one, err := s.desk.Case(k); {
	case err != nil:
		return act, err
	case one == nil:
		return act, noCase(k)
	}
	act.Text = message.New("access.case", message.String("case", in.Site+" / "+in.Agent+" / "+in.ID),
		message.Nested("action", cases.ActionMessage(event.Action)))
	act.Do = func(ctx context.Context) (out hubapi.CaseRecord, err error) {
		ctx, cancel := context.WithTimeout(ctx, actTime)
		defer cancel()
		if _, err := s.desk.Act(ctx, k, event, roles, in.Revision); err != nil {
			return out, err
		}
		done, err := s.record(c.User, k, time.Now(), true)
		if err != nil || done == nil {
			return out, cmp.Or(err, noCase(k))
		}
		return *done, nil
	}
	return act, nil
}

// photosAtOnce bounds the photos in memory; photoTime how long one may take to come, and to be stored.
const (
	photosAtOnce = 4
	photoTime    = time.Minute
)

// photoJournal is the hub's own journal, as far as photos need it.
type photoJournal interface {
	StoreArtifact(ctx context.Context, data []byte, mediaType string) (*observation.Artifact, error)
}

// addPhoto checks hubapi.PostCasePhoto.
func (s *caseServer) addPhoto(c *api.Call, in hubapi.CasePhoto) (act api.Act[hubapi.CaseRecord], err error) {
	by, roles := s.who(c.User, in.By)
	if by == "" {
		return act, api.NewProblem(api.BadRequest, message.New("cases.no-name"))
	}
	k := caseKey(hubapi.CaseName{Site: in.Site, Agent: in.Agent, ID: in.ID})
	switch one, err := s.desk.Case(k); {
	case err != nil:
		return act, err
	case one == nil:
		return act, noCase(k)
	}
	data, media, err := s.readPhoto(c)
	if err != nil {
		return act, err
	}
	event := api.PhotoEvent(in.ID, in.Key, by, "", true)
	act.Text = message.New("access.case", message.String("case", in.Site+" / "+in.Agent+" / "+in.ID),
		message.Nested("action", cases.ActionMessage(event.Action)))
	act.Do = func(ctx context.Context) (out hubapi.CaseRecord, err error) {
		ctx, cancel := context.WithTimeout(ctx, actTime)
		defer cancel()
		file, err := s.files.StoreArtifact(ctx, data, media)
		if err != nil {
			return out, err
		}
		if _, err := s.desk.Attach(ctx, k, event, roles, file); err != nil {
			return out, err
		}
		done, err := s.record(c.User, k, time.Now(), true)
		if err != nil || done == nil {
			return out, cmp.Or(err, noCase(k))
		}
		return *done, nil
	}
	return act, nil
}

// readPhoto reads the picture of a request.
func (s *caseServer) readPhoto(c *api.Call) (data []byte, media string, err error) {
	ctx, cancel := context.WithTimeout(c.Context(), photoTime)
	defer cancel()
	select {
	case s.photos <- struct{}{}:
		defer func() { <-s.photos }()
	case <-ctx.Done():
		return nil, "", ctx.Err()
	}
	if data, media, err = photo.Read(c.Body); err != nil {
		return nil, "", api.ProblemOf(api.BadRequest, err)
	}
	return data, media, nil
}

// hasPhoto reports whether a case has an artifact among what was attached to it, and its media type.
func (s *caseServer) hasPhoto(k views.CaseKey, h api.Hash) (media string, ok bool, err error) {
	one, err := s.desk.Case(k)
	if err != nil || one == nil {
		return "", false, err
	}
	for _, a := range one.Attachments {
		if bytes.Equal(a.Sha256, h[:]) && (a.MediaType == "image/jpeg" || a.MediaType == "image/png") {
			return a.MediaType, true, nil
		}
	}
	return "", false, nil
}

// adjudicators are the roles of persons who take part in cases, those first that may do more.
var adjudicators = []people.Role{people.Supervisor, people.Expert, people.Analyst, people.Officer, people.Admin}

// reader returns who looks at cases. Programs see all, as does everybody where nobody signs in.
func (s *caseServer) reader(u api.User) cases.Reader {
	if s.access == nil || u.Roles == "" {
		return cases.Reader{By: u.Name, Roles: []string{string(people.Admin)}}
	}
	return cases.Reader{By: u.Name, Roles: strings.Split(u.Roles, ",")}
}

// concealed makes a row what a person is to see of it: what was said in a case is left out where they are to judge
// without knowing it.
func (s *caseServer) concealed(u api.User, row *ledger.Event) error {
	if s == nil || s.access == nil || u.Roles == "" {
		return nil
	}
	return s.conceal(s.reader(u), row)
}

// conceal makes a row what a reader is to see of it.
func (s *caseServer) conceal(who cases.Reader, row *ledger.Event) error {
	if row.Kind != observation.Kind_KIND_CASE_EVENT {
		return nil
	}
	var body observation.Body
	if err := proto.Unmarshal(row.Body, &body); err != nil {
		return nil // it says nothing to anybody
	}
	e, _ := cases.EventOf(row.Journal, row.Idx, time.Unix(0, row.TimeNs), body.Typed())
	if e.Act == nil {
		return nil
	}
	k := views.CaseKey{ID: e.Act.Id}
	k.Site, k.Agent = row.Site, row.Agent
	if k.Sender == hubjournal.Name {
		k.Site, k.Agent = e.Act.Site, e.Act.Agent
	}
	one, err := s.desk.Case(k)
	if err != nil || one == nil {
		return err
	}
	shown, hidden := one.Conceal(e, who)
	if !hidden {
		return nil
	}
	row.Body, err = proto.Marshal(observation.New(observation.Class_CLASS_EVENT, time.Unix(0, row.TimeNs), shown).Body)
	return err
}

// who returns who acts, and in which roles. Where everybody on this machine may do all, they say their name.
func (s *caseServer) who(u api.User, by string) (name string, roles []string) {
	if s.access == nil {
		return by, []string{string(people.Admin)}
	}
	has := strings.Split(u.Roles, ",")
	for _, r := range adjudicators {
		if slices.Contains(has, string(r)) {
			roles = append(roles, string(r))
		}
	}
	return u.Name, roles
}
