package wizard

import (
	"context"
	"log/slog"

	"github.com/openchoreo/backstage-setup/internal/apply"
	"github.com/openchoreo/backstage-setup/internal/check"
)

// logged writes what a check came to, and hands it on; next may be nil.
func (s *Session) logged(next func(check.Result)) func(check.Result) {
	return func(r check.Result) {
		level := slog.LevelInfo
		if r.Status == check.Fail || r.Status == check.Accepted {
			level = slog.LevelWarn
		}
		s.settings.Log.Log(context.Background(), level, "check", "id", r.ID, "status", r.Status, "code", r.Code, "found", r.Found)
		if next != nil {
			next(r)
		}
	}
}

// logEvent writes what a run tells of itself.
func (s *Session) logEvent(e apply.Event) {
	level := slog.LevelInfo
	switch e.Status {
	case apply.Progress:
		level = slog.LevelDebug
	case apply.Failed:
		level = slog.LevelWarn
	}
	s.settings.Log.Log(context.Background(), level, "action", "id", e.ID, "status", e.Status, "title", e.Title, "text", e.Text)
}
