package downlink

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"lanewarden/drivers/driver"
	"lanewarden/drivers/message"
	"lanewarden/drivers/observation"
	"lanewarden/edge/api"
	"lanewarden/edge/api/linefile"
)

// report journals what came of a look when it is news: targets were taken, or something is refused that was not
// refused for the same reason before.
func (s *Service) report(ctx context.Context, way observation.OrdersChecked_Way, is inForce, taken []Target, err error) error {
	body := &observation.OrdersChecked{
		Way: way, RootVersion: is.root, TimestampVersion: is.timestamp, Refusal: refusalOf(err),
		TrustedNs: s.clock.Now().UnixNano(), Recipient: s.key.Recipient().String(),
	}
	if !is.issued.IsZero() {
		body.SignedNs = is.issued.UnixNano()
	}
	for _, t := range taken {
		body.Taken = append(body.Taken, &observation.OrdersTarget{
			Path: t.Path, Sha256: t.SHA256, Bytes: t.Length, OfSite: t.Site != "",
		})
	}
	if body.Refusal != "" {
		said := message.Of(err)
		body.Text, body.Message = said.English(), driver.EncodeMessage(said)
	}
	if err != nil && body.Refusal == "" && len(taken) == 0 {
		return nil // the look did not get to its end, and will be tried again
	}
	said := reported{Refusal: body.Text, Recipient: body.Recipient}
	if len(taken) == 0 && said == s.reported {
		return nil
	}
	key, err := s.rowKey(len(taken) > 0)
	if err != nil {
		return err
	}
	if err := s.commit(ctx, key, body); err != nil {
		return err
	}
	s.o.stop("journalled")
	return s.settle(said)
}

// reported is what the last row said that is worth no other row.
type reported struct {
	Refusal   string `json:"refusal"` // in words
	Recipient string `json:"recipient"`
}

// rowKey returns the key of a row that says what was taken: it is of the last target that is pending, so that after a crash
// between the row and settle the same row is not journalled twice. "" is for a row of nothing taken.
func (s *Service) rowKey(taken bool) (string, error) {
	if !taken {
		return "", nil
	}
	pending, err := s.pending()
	if err != nil || len(pending) == 0 {
		return "", err
	}
	return "orders " + pending[len(pending)-1].Mark, nil
}

// commit journals an outcome under a key, "" for none. A refusal is something to look at: somebody may be attacking the centre, or its keys.
func (s *Service) commit(ctx context.Context, key string, body *observation.OrdersChecked) error {
	class := observation.Class_CLASS_EVENT
	if body.Refusal != "" && body.Refusal != "expired" && body.Refusal != "disk" && body.Refusal != "apply" {
		class = observation.Class_CLASS_ALARM
	}
	o := observation.New(class, s.o.now(), body)
	o.Device, o.Key = observation.AgentDevice, key
	_, err := s.o.Journal.Commit(context.WithoutCancel(ctx), o)
	return err
}

// settle notes that what came of a look is journalled.
func (s *Service) settle(said reported) error {
	s.reported = said
	text, err := json.Marshal(said)
	if err != nil {
		return err
	}
	err = os.Remove(filepath.Join(s.o.Dir, pendingFile))
	if errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	return errors.Join(err, linefile.Replace(filepath.Join(s.o.Dir, reportedFile), text, 0o600))
}

// pendingTarget is a target that is being taken into use.
type pendingTarget struct {
	Target
	Mark string `json:"mark"` // of this time that it is
}

// addPending keeps that a target is being taken into use.
func (s *Service) addPending(t Target) error {
	pending, err := s.pending()
	if err != nil {
		return err
	}
	text, err := json.Marshal(append(pending, pendingTarget{t, rand.Text()}))
	if err != nil {
		return err
	}
	return linefile.Replace(filepath.Join(s.o.Dir, pendingFile), text, 0o600)
}

// pending returns the targets whose use is not journalled.
func (s *Service) pending() (all []pendingTarget, err error) {
	text, err := os.ReadFile(filepath.Join(s.o.Dir, pendingFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err == nil {
		err = json.Unmarshal(text, &all)
	}
	return all, err
}

// reportInterrupted journals the targets that were taken into use before a crash, and whose row is missing: those that
// their consumer does not choose again.
func (s *Service) reportInterrupted(ctx context.Context) {
	s.looking.Lock()
	defer s.looking.Unlock()
	pending, err := s.pending()
	if err != nil || len(pending) == 0 {
		return
	}
	var taken []Target
	for _, p := range pending {
		if !s.chosenAgain(p.Target) {
			taken = append(taken, p.Target)
		}
	}
	if len(taken) > 0 {
		err = s.report(ctx, observation.OrdersChecked_WAY_UNSPECIFIED, inForce{}, taken, nil)
	} else {
		err = s.settle(s.reported)
	}
	if err != nil {
		s.o.Log.Error("what was taken from the centre is not journalled", "err", err)
	}
}

// chosenAgain reports whether a consumer takes a target that is offered once more: it is not in use.
func (s *Service) chosenAgain(t Target) bool {
	return slices.ContainsFunc(s.o.Consumers, func(c Consumer) bool {
		again, any := c.Choose([]Target{t})
		return any && slices.Equal(again.SHA256, t.SHA256)
	})
}

// noteStale journals when the centre's newest statement has become old, and when a newer one has come.
func (s *Service) noteStale(ctx context.Context) {
	if s.o.Root == nil {
		return
	}
	status := s.Status()
	all := s.conditions.Set(s.o.now(), "orders-stale", "", status.Stale, message.New("condition.orders-stale",
		message.Duration("limit", s.o.StaleAfter)))
	for _, o := range all {
		o.Device = observation.AgentDevice
	}
	if len(all) == 0 {
		return
	}
	if _, err := s.o.Journal.Commit(context.WithoutCancel(ctx), all...); err != nil {
		s.conditions.Retract("orders-stale", "")
	}
}

// Status returns what is in force, for pages.
func (s *Service) Status() api.Orders {
	now := s.clock.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	st := s.status
	st.Configured = s.o.Root != nil
	st.Trusted, st.Recipient = now, s.key.Recipient().String()
	st.Targets = slices.Clone(st.Targets)
	st.Stale = st.Configured && !st.Signed.IsZero() && now.Sub(st.Signed) > s.o.StaleAfter
	return st
}

// showKept shows what was in force before this start. Nothing of it is judged again: what is expired stays in force.
func (s *Service) showKept() {
	is, err := readInForce(s.set, s.o.Site)
	if err != nil {
		s.status.SetProblem(message.New("orders.not-yet"))
		return
	}
	s.showInForce(is)
}

// showInForce puts checked metadata into the status.
func (s *Service) showInForce(is inForce) {
	targets := make([]api.OrdersTarget, 0, len(is.targets))
	for _, t := range is.targets {
		targets = append(targets, api.OrdersTarget{
			Path: t.Path, Site: t.Site, SHA256: hex.EncodeToString(t.SHA256), Bytes: t.Length, Here: s.store.has(t),
		})
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.status.Root, s.status.Timestamp, s.status.Signed, s.status.Targets = is.root, is.timestamp, is.issued, targets
}

// showProgress shows how much of a target is here.
func (s *Service) showProgress(t Target, bytes int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.status.Fetching = nil
	if bytes < t.Length {
		s.status.Fetching = &api.Sending{SHA256: hex.EncodeToString(t.SHA256), Size: t.Length, Held: bytes}
	}
	for i := range s.status.Targets {
		if one := &s.status.Targets[i]; one.SHA256 == hex.EncodeToString(t.SHA256) {
			one.Here = bytes == t.Length
		}
	}
}

// show puts what came of a look into the status.
func (s *Service) show(way observation.OrdersChecked_Way, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.status.Fetching = nil
	s.status.SetProblem(message.Of(err))
	s.status.Refused = refusalOf(err) != ""
	if err == nil {
		s.status.Checked = s.o.now().UTC().Truncate(time.Second)
		s.status.Way = map[observation.OrdersChecked_Way]string{
			observation.OrdersChecked_WAY_LINK: "link", observation.OrdersChecked_WAY_FOLDER: "folder",
		}[way]
	}
}
