"""Much of the same: releases, rollbacks and passes, again and again, and how many of them went wrong."""
