#ifndef STAGES_LINEAGE_H
#define STAGES_LINEAGE_H
#endif
