package console

import (
	"context"
	"time"
	"unicode/utf8"

	"lanewarden/drivers/message"
	"lanewarden/edge/api"
)

// minErased is the shortest name that may be erased, in characters: a shorter one is in too many texts.
const minErased = 3

// erasure checks api.PostErasure. The audit row says what was asked for without the name.
func (c *Console) erasure(_ *api.Call, in api.Erasure) (act api.Act[api.Erased], err error) {
	byName := in.Name != ""
	switch {
	case byName != in.Before.IsZero(), byName && utf8.RuneCountInString(in.Name) < minErased:
		return act, api.NewProblem(api.BadRequest, message.New("erase.what", message.Int("least", minErased)))
	case in.Before.After(time.Now()):
		return act, api.NewProblem(api.BadRequest, message.New("erase.future"))
	case byName:
		act.Text = message.New("erase.name")
		act.Do = func(ctx context.Context) (api.Erased, error) {
			done, err := c.Journal.EraseName(ctx, in.Name)
			return api.Erased(done), err
		}
	default:
		act.Text = message.New("erase.before", message.Date("date", in.Before.UTC()))
		act.Do = func(ctx context.Context) (api.Erased, error) {
			done, err := c.Journal.EraseBefore(ctx, in.Before)
			return api.Erased(done), err
		}
	}
	return act, nil
}
