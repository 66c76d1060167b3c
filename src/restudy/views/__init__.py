"""What people look at: figures and self-contained HTML pages, drawn from result tables only."""
