-- What was used of the budgets that a platform gives the app a day, for all of its users together.
CREATE TABLE aurareels_app_budgets (
  platform TEXT NOT NULL,
  budget TEXT NOT NULL,                        -- by the platform's sheet: youtube has 'uploads' and 'units'
  day TEXT NOT NULL,                           -- by the platform's calendar: 2026-11-29
  used INTEGER NOT NULL,
  PRIMARY KEY (platform, budget, day)
) STRICT, WITHOUT ROWID;
