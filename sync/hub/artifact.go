package hub

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"lanewarden/drivers/message"
	"lanewarden/edge/api"
	"lanewarden/sync/hub/hubapi"
	"lanewarden/sync/hub/ledger"
)

// artifactRetryAfter is the Retry-After of an artifact that is not whole yet.
const artifactRetryAfter = 10 * time.Second

// state returns what the ledger has of an artifact; one that no row names of a site that the user sees is 404.
func (s *httpServer) state(u api.User, h api.Hash) (*ledger.ArtifactState, error) {
	state, err := s.ledger.Artifact(h[:])
	if err == nil {
		state.Rows = slices.DeleteFunc(state.Rows, func(r ledger.NamedBy) bool { return !u.Sees(r.Site) })
	}
	if err == nil && len(state.Rows) == 0 {
		err = ledger.ErrNoArtifact
	}
	if errors.Is(err, ledger.ErrNoArtifact) {
		err = api.ProblemOf(api.NotFound, err)
	}
	return state, err
}

// artifact serves hubapi.GetArtifact: the bytes of a whole artifact, with ranges. One that is not
// whole is a problem with Retry-After, never a part of it, as readers would take that for the file.
func (s *httpServer) artifact(w http.ResponseWriter, c *api.Call, in hubapi.ArtifactName) error {
	state, err := s.state(c.User, in.SHA256)
	if err != nil {
		return err
	}
	if !state.Complete {
		return notHereYet(c, state)
	}
	s.access.noteLook(c, message.New("look.artifact", message.String("artifact", in.SHA256.String())))
	f, err := s.ledger.OpenArtifact(in.SHA256[:])
	if err != nil {
		return err
	}
	defer f.Close()
	// Artifacts are what devices sent, so that a browser must not run what one contains.
	w.Header().Set("Content-Security-Policy", "sandbox")
	if len(state.Rows) > 0 {
		name := fileName(state.Rows[0].Name, state.SHA256)
		w.Header().Set("Content-Disposition", fmt.Sprintf("inline; filename=%q", name))
	}
	api.ServeArtifact(w, c.Request, in.SHA256, state.MediaType, f)
	return nil
}

// notHereYet says how much of an artifact has come.
func notHereYet(c *api.Call, state *ledger.ArtifactState) error {
	return api.NewProblem(api.NotHereYet, message.New("api.not-here-yet", message.Int("held", state.Held),
		message.Count("n", state.Size), message.String("path", c.URL.Path))).
		After(artifactRetryAfter)
}

// values serves hubapi.GetValues: an X-ray image at its full depth.
func (s *httpServer) values(w http.ResponseWriter, c *api.Call, in api.ValuesQuery) error {
	state, err := s.state(c.User, in.SHA256)
	if err != nil {
		return err
	}
	if !state.Complete {
		return notHereYet(c, state)
	}
	s.access.noteLook(c, message.New("look.artifact", message.String("artifact", in.SHA256.String())))
	f, err := s.ledger.OpenArtifact(in.SHA256[:])
	if err != nil {
		return err
	}
	defer f.Close()
	return s.reading.ServeValues(w, c.Request, in, f, state.Size, s.opts.Log)
}

// casePhoto serves hubapi.GetCasePhoto. Whoever sees the case sees what was attached to it, at whichever end.
func (s *httpServer) casePhoto(w http.ResponseWriter, c *api.Call, in hubapi.CasePhotoName) error {
	media, ok, err := s.cases.hasPhoto(caseKey(hubapi.CaseName{Site: in.Site, Agent: in.Agent, ID: in.ID}), in.SHA256)
	switch {
	case err != nil:
		return err
	case !ok:
		return api.NewProblem(api.NotFound, message.New("photo.none"))
	}
	state, err := s.ledger.Artifact(in.SHA256[:])
	switch {
	case errors.Is(err, ledger.ErrNoArtifact): // its row is on its way
		return api.NewProblem(api.NotHereYet, message.New("photo.later")).After(artifactRetryAfter)
	case err != nil:
		return err
	case !state.Complete:
		return notHereYet(c, state)
	}
	s.access.noteLook(c, message.New("look.artifact", message.String("artifact", in.SHA256.String())))
	f, err := s.ledger.OpenArtifact(in.SHA256[:])
	if err != nil {
		return err
	}
	defer f.Close()
	w.Header().Set("Content-Security-Policy", "sandbox")
	api.ServeArtifact(w, c.Request, in.SHA256, media, f)
	return nil
}

// fileName returns name with every character replaced that a file system or the header
// Content-Disposition does not take; the artifact's hash when there is no name. Names come from
// devices.
func fileName(name, sum string) string {
	name = strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' || strings.ContainsRune(`"\/:*?<>|`, r) {
			return '_'
		}
		return r
	}, name)
	if name == "" {
		return sum
	}
	return name
}

// artifactState answers hubapi.GetArtifactState: how much of an artifact has come, and which rows
// name it.
func (s *httpServer) artifactState(c *api.Call, in hubapi.ArtifactName) (*ledger.ArtifactState, error) {
	return s.state(c.User, in.SHA256)
}

// pullArtifact serves hubapi.PullArtifact: the agents that have the artifact send it before others.
// It answers 202 while the artifact is on its way and 200 when it is here. Asking again changes
// nothing.
func (s *httpServer) pullArtifact(c *api.Call, in hubapi.ArtifactName) (act api.Act[*ledger.ArtifactState], err error) {
	state, err := s.state(c.User, in.SHA256)
	if err != nil {
		return act, err
	}
	act.Text = message.New("look.artifact", message.String("artifact", in.SHA256.String()))
	act.Do = func(ctx context.Context) (*ledger.ArtifactState, error) {
		if state.Complete {
			return state, nil
		}
		if err := s.file(ctx, ledger.Pull{SHA256: in.SHA256[:]}); err != nil {
			return nil, err
		}
		c.Status = http.StatusAccepted
		return s.state(c.User, in.SHA256)
	}
	return act, nil
}
