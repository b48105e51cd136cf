package orders

import (
	"bytes"
	"crypto/ed25519"
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"time"

	"lanewarden/drivers/message"
	"lanewarden/sync/wire/drawsecret"
	"lanewarden/sync/wire/layout"
)

// keptSecrets is how many days back secrets stay published, revealed or not: lanes without a link get them by a stick, and
// keep as many days that wait for it.
const keptSecrets = 128

// MostSecretDays is for how many days ahead secrets can be published: lanes take no more.
const MostSecretDays = 90

// sealedSecret is what is published of a day's secret.
type sealedSecret struct {
	drawsecret.Custom
	revealed bool
}

// PublishSecrets publishes the secrets of random checks of a site for today and the days that follow, sealed to the keys of
// its agents. A day that is published already is sealed again only where the keys are others; with another master key it is
// an error, as lanes would refuse it. changed lists the days that were sealed.
func (r *Repository) PublishSecrets(site string, master Key, recipients []string, days int, keys []Key) (
	changed []string, done bool, err error) {
	dir, err := os.MkdirTemp("", "lanehub-secrets-")
	if err != nil {
		return nil, false, err
	}
	defer os.RemoveAll(dir)
	all, err := r.secrets(site)
	if err != nil {
		return nil, false, err
	}
	to, short := slices.Compact(slices.Sorted(slices.Values(recipients))), []string{}
	for _, one := range to {
		short = append(short, drawsecret.ShortName(one))
	}
	slices.Sort(short)
	var files []File
	for i := range days {
		day := r.today(i)
		secret, err := drawsecret.Derive(master.Private, site, day)
		if err != nil {
			return nil, false, err
		}
		before, there := all[day]
		if there && !bytes.Equal(before.Commitment, secret.Commitment()) {
			return nil, false, message.Errorf("secrets.other-master", message.String("day", day),
				message.String("key", master.Name))
		}
		if there && slices.Equal(before.For, short) {
			continue
		}
		file, err := sealedFile(dir, secret, to, short)
		if err != nil {
			return nil, false, err
		}
		files, changed = append(files, file), append(changed, day)
	}
	done, err = r.Publish(files, r.oldSecrets(site, all), keys)
	return changed, done, err
}

// sealedFile writes the file of a sealed secret into a folder.
func sealedFile(dir string, s drawsecret.Secret, to, short []string) (f File, err error) {
	text, err := drawsecret.Seal(s, to)
	if err != nil {
		return f, err
	}
	f = File{Path: drawsecret.SealedPath(s.Day), Site: s.Site, From: filepath.Join(dir, s.Day)}
	if f.Custom, err = json.Marshal(drawsecret.Custom{Commitment: s.Commitment(), For: short}); err != nil {
		return f, err
	}
	return f, os.WriteFile(f.From, text, 0o600)
}

// RevealSecrets publishes the secrets of days that are over in the clear: those of the days named, without any those of
// all days that are not revealed yet. A day that is not over, and one whose secret was not published, or with another
// master key, is an error, and nothing is published.
func (r *Repository) RevealSecrets(site string, master Key, days []string, keys []Key) (done bool, err error) {
	dir, err := os.MkdirTemp("", "lanehub-secrets-")
	if err != nil {
		return false, err
	}
	defer os.RemoveAll(dir)
	all, err := r.secrets(site)
	if err != nil {
		return false, err
	}
	var files []File
	withdraw := r.oldSecrets(site, all)
	if len(days) == 0 {
		days = r.toReveal(all)
	}
	for _, day := range days {
		one, err := r.revealedFile(dir, site, day, master.Private, all)
		if err != nil {
			return false, err
		}
		files = append(files, one)
		sealed := layout.Join(drawsecret.SealedPath(day), site)
		if !all[day].revealed && !slices.Contains(withdraw, sealed) {
			withdraw = append(withdraw, sealed)
		}
	}
	return r.Publish(files, withdraw, keys)
}

// toReveal lists the days that are over, whose secrets are not revealed and not too old.
func (r *Repository) toReveal(all map[string]sealedSecret) (days []string) {
	today, oldest := r.today(0), r.today(-keptSecrets)
	for _, day := range slices.Sorted(maps.Keys(all)) {
		if day >= oldest && day < today && !all[day].revealed {
			days = append(days, day)
		}
	}
	return days
}

// today returns the day so many days from today (UTC).
func (r *Repository) today(plus int) string {
	return r.now().UTC().AddDate(0, 0, plus).Format(time.DateOnly)
}

// revealedFile writes the file of a secret that is revealed into a folder.
func (r *Repository) revealedFile(dir, site, day string, master ed25519.PrivateKey, all map[string]sealedSecret) (
	f File, err error) {
	if _, err := time.Parse(time.DateOnly, day); err != nil || day >= r.today(0) {
		return f, message.Errorf("draw.not-over", message.String("day", day))
	}
	secret, err := drawsecret.Derive(master, site, day)
	if err != nil {
		return f, err
	}
	if before, there := all[day]; !there || !bytes.Equal(before.Commitment, secret.Commitment()) {
		return f, message.Errorf("secrets.not-published", message.String("day", day))
	}
	text, err := secret.Open()
	if err != nil {
		return f, err
	}
	f = File{Path: drawsecret.RevealedPath(day), Site: site, From: filepath.Join(dir, day)}
	if f.Custom, err = json.Marshal(drawsecret.Custom{Commitment: secret.Commitment()}); err != nil {
		return f, err
	}
	return f, os.WriteFile(f.From, text, 0o600)
}

// secrets returns the secrets of a site that are published, by day.
func (r *Repository) secrets(site string) (map[string]sealedSecret, error) {
	c, err := r.current()
	if err != nil {
		return nil, err
	}
	role := layout.SiteRole(site)
	if c.targets[role] == nil {
		return nil, message.Errorf("orders.no-role", message.String("role", role))
	}
	all := map[string]sealedSecret{}
	for path, f := range c.targets[role].Signed.Targets {
		local, _ := layout.Split(path)
		day, revealed, ok := drawsecret.ParsePath(local)
		if !ok || f.Custom == nil || !revealed && all[day].revealed {
			continue
		}
		one := sealedSecret{revealed: revealed}
		if err := json.Unmarshal(*f.Custom, &one.Custom); err != nil {
			return nil, err
		}
		all[day] = one
	}
	return all, nil
}

// oldSecrets lists what is published of days that are too long ago.
func (r *Repository) oldSecrets(site string, all map[string]sealedSecret) (paths []string) {
	oldest := r.today(-keptSecrets)
	for _, day := range slices.Sorted(maps.Keys(all)) {
		if day < oldest {
			path := drawsecret.SealedPath(day)
			if all[day].revealed {
				path = drawsecret.RevealedPath(day)
			}
			paths = append(paths, layout.Join(path, site))
		}
	}
	return paths
}
